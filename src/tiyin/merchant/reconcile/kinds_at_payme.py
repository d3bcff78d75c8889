"""Words for what differs between the shop's transactions and Payme's receipts: title, why, what to do."""

from typing import Final

from tiyin.protocol.values import Text

__all__ = ["AT_PAYME"]

AT_PAYME: Final[dict[str, tuple[Text, Text, Text]]] = {
    "paid-only-at-payme": (
        Text(
            ru="Оплачено в Payme, у вас платежа нет",
            uz="Payme tizimida toʻlangan, sizda toʻlov yoʻq",
            en="Paid at Payme, unknown here",
        ),
        Text(
            ru="Payme списал деньги с карты, а в вашей выписке нет транзакции с таким номером.",
            uz="Payme kartadan pul yechgan, sizning koʻchirmangizda esa bunday raqamli tranzaksiya yoʻq.",
            en="Payme took the money from the card, and your statement has no transaction of that id.",
        ),
        Text(
            ru="Проверьте, не потеряны ли данные и от той ли кассы выписка. Затем выдайте товар или "
            "верните деньги.",
            uz="Maʼlumotlar yoʻqolmaganini va koʻchirma shu kassaniki ekanini tekshiring. "
            "Soʻng tovarni bering yoki pulni qaytaring.",
            en="Look whether data were lost, and whether the statement is of the same cash desk. "
            "Then deliver, or give the money back.",
        ),
    ),
    "paid-not-performed": (
        Text(
            ru="Оплачено в Payme, у вас ещё ждёт",
            uz="Payme tizimida toʻlangan, sizda hali kutmoqda",
            en="Paid at Payme, still waiting here",
        ),
        Text(
            ru="Payme считает чек оплаченным, а ваша транзакция создана, но не проведена.",
            uz="Payme chekni toʻlangan deb hisoblaydi, sizdagi tranzaksiya esa yaratilgan, lekin "
            "oʻtkazilmagan.",
            en="Payme holds the receipt paid, and your transaction was created but never performed.",
        ),
        Text(
            ru="Деньги покупателя взяты: проведите заказ или верните деньги через Payme.",
            uz="Xaridorning puli olingan: buyurtmani oʻtkazing yoki pulni Payme orqali qaytaring.",
            en="The payer's money was taken: fulfil the order, or refund it through Payme.",
        ),
    ),
    "paid-cancelled-here": (
        Text(
            ru="Оплачено в Payme, у вас отменено",
            uz="Payme tizimida toʻlangan, sizda bekor qilingan",
            en="Paid at Payme, cancelled here",
        ),
        Text(
            ru="Payme считает чек оплаченным, а ваша транзакция отменена до проведения.",
            uz="Payme chekni toʻlangan deb hisoblaydi, sizdagi tranzaksiya esa oʻtkazilmasdan bekor "
            "qilingan.",
            en="Payme holds the receipt paid, and your transaction was cancelled before it was performed.",
        ),
        Text(
            ru="Верните деньги через Payme и сообщите в поддержку номер чека.",
            uz="Pulni Payme orqali qaytaring va chek raqamini qoʻllab-quvvatlash xizmatiga xabar qiling.",
            en="Refund it through Payme, and tell its support the receipt's id.",
        ),
    ),
    "performed-not-paid": (
        Text(
            ru="Проведено у вас, в Payme не оплачено",
            uz="Sizda oʻtkazilgan, Payme tizimida toʻlanmagan",
            en="Performed here, not paid at Payme",
        ),
        Text(
            ru="Ваша транзакция проведена, а чек Payme не оплачен: денег за этот заказ нет.",
            uz="Sizdagi tranzaksiya oʻtkazilgan, Payme cheki esa toʻlanmagan: bu buyurtma uchun pul yoʻq.",
            en="Your transaction is performed, and the receipt is not paid: there is no money for "
            "this order.",
        ),
        Text(
            ru="Задержите выдачу товара и уточните состояние чека в Payme.",
            uz="Tovarni berishni toʻxtatib turing va chek holatini Payme xizmatidan aniqlang.",
            en="Hold the goods back, and ask Payme where the receipt stands.",
        ),
    ),
    "performed-cancelled-at-payme": (
        Text(
            ru="Проведено у вас, отменено в Payme",
            uz="Sizda oʻtkazilgan, Payme tizimida bekor qilingan",
            en="Performed here, cancelled at Payme",
        ),
        Text(
            ru="Ваша транзакция проведена, а чек Payme отменён без оплаты. Денег за этот заказ нет.",
            uz="Sizdagi tranzaksiya oʻtkazilgan, Payme cheki esa toʻlanmasdan bekor qilingan. "
            "Bu buyurtma uchun pul yoʻq.",
            en="Your transaction is performed, and the receipt was cancelled unpaid: there is no "
            "money for it.",
        ),
        Text(
            ru="Если товар не выдан, отмените заказ; если выдан, обратитесь в Payme с номером чека.",
            uz="Tovar berilmagan boʻlsa, buyurtmani bekor qiling; berilgan boʻlsa, chek raqami bilan "
            "Payme xizmatiga murojaat qiling.",
            en="If the goods are still yours, cancel the order; if not, go to Payme with the receipt's id.",
        ),
    ),
    "performed-without-receipt": (
        Text(
            ru="Проведено у вас, чека в Payme нет",
            uz="Sizda oʻtkazilgan, Payme tizimida chek yoʻq",
            en="Performed here, no receipt at Payme",
        ),
        Text(
            ru="Ваша транзакция проведена, а среди чеков Payme такого номера нет.",
            uz="Sizdagi tranzaksiya oʻtkazilgan, Payme cheklari orasida esa bunday raqam yoʻq.",
            en="Your transaction is performed, and no receipt of Payme has its id.",
        ),
        Text(
            ru="Проверьте, что чеки взяты от той же кассы и за те же дни (и за день раньше). "
            "Если чека нет и там, ключ кассы мог попасть к посторонним: смените его.",
            uz="Cheklar shu kassadan va shu kunlar (va bir kun oldin) uchun olinganini tekshiring. "
            "U yerda ham boʻlmasa, kassa kaliti begonalarga tushgan boʻlishi mumkin: uni almashtiring.",
            en="Look whether the receipts are of the same desk and days (and of the day before). If "
            "there is "
            "none, somebody else may have the desk's key: change it.",
        ),
    ),
    "refunded-only-at-payme": (
        Text(
            ru="Возвращено в Payme, у вас возврата нет",
            uz="Payme tizimida qaytarilgan, sizda qaytarish yoʻq",
            en="Refunded at Payme, not here",
        ),
        Text(
            ru="Payme вернул деньги покупателю, а ваша транзакция всё ещё проведена.",
            uz="Payme pulni xaridorga qaytargan, sizdagi tranzaksiya esa hali ham oʻtkazilgan.",
            en="Payme gave the money back, and your transaction is still performed.",
        ),
        Text(
            ru="Оформите возврат у себя, чтобы заказ не считался оплаченным.",
            uz="Buyurtma toʻlangan hisoblanmasligi uchun qaytarishni oʻzingizda ham rasmiylashtiring.",
            en="Book the refund here too, so that the order does not count as paid.",
        ),
    ),
    "refunded-only-here": (
        Text(
            ru="Возврат у вас, в Payme деньги не возвращены",
            uz="Sizda qaytarilgan, Payme tizimida pul qaytarilmagan",
            en="Refunded here, not at Payme",
        ),
        Text(
            ru="Ваша транзакция отменена после проведения, а чек Payme остаётся оплаченным.",
            uz="Sizdagi tranzaksiya oʻtkazilgandan keyin bekor qilingan, Payme cheki esa "
            "toʻlanganligicha turibdi.",
            en="Your transaction was cancelled after it was performed, and the receipt is still paid.",
        ),
        Text(
            ru="Покупатель ждёт деньги: отмените чек в Payme.",
            uz="Xaridor pulini kutmoqda: chekni Payme tizimida bekor qiling.",
            en="The payer waits for the money: cancel the receipt at Payme.",
        ),
    ),
    "amount-differs-at-payme": (
        Text(
            ru="Разные суммы у вас и в Payme",
            uz="Sizda va Payme tizimida summalar har xil",
            en="Amounts differ between here and Payme",
        ),
        Text(
            ru="Сумма транзакции не равна сумме чека, и комиссией это не объясняется.",
            uz="Tranzaksiya summasi chek summasiga teng emas va buni komissiya bilan tushuntirib boʻlmaydi.",
            en="The transaction's amount is not the receipt's, and the commission does not explain it.",
        ),
        Text(
            ru="Проверьте, не перепутаны ли сумы и тийины (разница в 100 раз), и исправьте у себя.",
            uz="Soʻm va tiyin almashib ketmaganini tekshiring (100 barobar farq) va oʻzingizda tuzating.",
            en="Look whether sums and tiyin were mixed up (100 times), and correct it here.",
        ),
    ),
    "commission-in-amount": (
        Text(
            ru="Суммы различаются на комиссию",
            uz="Summalar komissiya miqdoriga farq qiladi",
            en="The amounts differ by the commission",
        ),
        Text(
            ru="Одна сторона считает сумму вместе с комиссией Payme, другая без неё.",
            uz="Bir tomon summani Payme komissiyasi bilan, ikkinchisi komissiyasiz hisoblaydi.",
            en="One side counts the amount with Payme's commission, the other without.",
        ),
        Text(
            ru="Учитывайте комиссию отдельной строкой, а заказ в сумме без комиссии.",
            uz="Komissiyani alohida qatorda, buyurtmani esa komissiyasiz summada hisobga oling.",
            en="Book the commission in a line of its own, and the order without it.",
        ),
    ),
    "cancelled-only-at-payme": (
        Text(
            ru="Отменено в Payme, у вас ещё ждёт",
            uz="Payme tizimida bekor qilingan, sizda hali kutmoqda",
            en="Cancelled at Payme, still waiting here",
        ),
        Text(
            ru="Чек Payme отменён, а ваша транзакция ждёт и держит заказ занятым.",
            uz="Payme cheki bekor qilingan, sizdagi tranzaksiya esa kutmoqda va buyurtmani band "
            "qilib turibdi.",
            en="The receipt is cancelled, and your transaction waits and keeps the order reserved.",
        ),
        Text(
            ru="Отмените транзакцию у себя; через 12 часов она отменится сама.",
            uz="Tranzaksiyani oʻzingizda bekor qiling; 12 soatdan keyin u oʻzi bekor boʻladi.",
            en="Cancel the transaction here; after twelve hours it ends by itself.",
        ),
    ),
    "waiting-too-long": (
        Text(
            ru="Транзакция ждёт дольше 12 часов",
            uz="Tranzaksiya 12 soatdan ortiq kutmoqda",
            en="A transaction waits longer than twelve hours",
        ),
        Text(
            ru="По протоколу через 12 часов её нужно отменить с причиной 4. Заказ всё это время занят.",
            uz="Protokolga koʻra 12 soatdan keyin u 4-sabab bilan bekor qilinishi kerak. "
            "Buyurtma shu vaqtgacha band.",
            en="By the protocol it is to be cancelled with reason 4 after twelve hours. "
            "Until then its order is reserved.",
        ),
        Text(
            ru="Проверьте, работает ли у вас отмена по таймауту (expire_due).",
            uz="Vaqt tugagani boʻyicha bekor qilish (expire_due) ishlayotganini tekshiring.",
            en="Look whether expired transactions are cancelled at all (expire_due).",
        ),
    ),
    "fiscal-missing": (
        Text(
            ru="Нет данных для фискального чека",
            uz="Fiskal chek uchun maʼlumot yoʻq",
            en="No data for the fiscal receipt",
        ),
        Text(
            ru="Чек оплачен, а товары для него не переданы (detail пуст).",
            uz="Chek toʻlangan, unga tovarlar esa berilmagan (detail boʻsh).",
            en="The receipt is paid, and its goods were never given (detail is empty).",
        ),
        Text(
            ru="Передавайте detail при оплате; за прошедшие оплаты пробейте фискальные чеки сами.",
            uz="Toʻlov paytida detail bering; oʻtgan toʻlovlar uchun fiskal cheklarni oʻzingiz chiqaring.",
            en="Give detail with the payment; issue fiscal receipts for past payments yourself.",
        ),
    ),
    "in-flight": (
        Text(
            ru="Платёж ещё в обработке у Payme",
            uz="Toʻlov hali Payme tizimida ishlanmoqda",
            en="The payment is still under way at Payme",
        ),
        Text(
            ru="Чек обрабатывается, удержан, на паузе (20) или в очереди (21, 30). Это не ошибка.",
            uz="Chek ishlanmoqda, puli ushlab turilgan, pauzada (20) yoki navbatda (21, 30). Bu xato emas.",
            en="The receipt is being worked on, held, paused (20) or queued (21, 30). That is no error.",
        ),
        Text(
            ru="Сверьте ещё раз завтра. Если чек стоит в 20 дольше дня, спросите Payme.",
            uz="Ertaga yana solishtiring. Chek 20-holatda bir kundan ortiq tursa, Payme xizmatidan soʻrang.",
            en="Compare again tomorrow. If it stands in 20 for more than a day, ask Payme.",
        ),
    ),
    "returned": (
        Text(
            ru="Оплата и возврат видны только с одной стороны",
            uz="Toʻlov va qaytarish faqat bir tomonda koʻrinadi",
            en="A payment and its refund are seen on one side alone",
        ),
        Text(
            ru="Одна сторона показывает оплату и её возврат, другая ничего. Денег не осталось ни у кого.",
            uz="Bir tomon toʻlov va uning qaytarilishini koʻrsatadi, ikkinchisi hech narsa. Hech "
            "kimda pul qolmagan.",
            en="One side shows a payment and its refund, the other neither. Nobody keeps any money.",
        ),
        Text(
            ru="Ничего делать не нужно; итоги дней могут расходиться.",
            uz="Hech narsa qilish shart emas; kunlik jamlar farq qilishi mumkin.",
            en="Nothing is to be done; the totals of days may differ by it.",
        ),
    ),
}
