"""Words for what differs between payments and the shop's own orders: title, why, what to do."""

from typing import Final

from tiyin.protocol.values import Text

__all__ = ["IN_SHOP"]

IN_SHOP: Final[dict[str, tuple[Text, Text, Text]]] = {
    "paid-twice": (
        Text(ru="Заказ оплачен дважды", uz="Buyurtma ikki marta toʻlangan", en="An order is paid twice"),
        Text(
            ru="По одному разовому заказу проведено больше одного платежа. Сумма: всё сверх первого.",
            uz="Bitta bir martalik buyurtma boʻyicha bittadan ortiq toʻlov oʻtkazilgan. "
            "Summa: birinchisidan ortigʻi.",
            en="More than one payment was performed for an order that is paid once. "
            "The amount is all beyond the first.",
        ),
        Text(
            ru="Верните лишний платёж через Payme.",
            uz="Ortiqcha toʻlovni Payme orqali qaytaring.",
            en="Refund what is too much through Payme.",
        ),
    ),
    "paid-without-payment": (
        Text(
            ru="Заказ отмечен оплаченным, платежа нет",
            uz="Buyurtma toʻlangan deb belgilangan, toʻlov yoʻq",
            en="An order counts as paid, without a payment",
        ),
        Text(
            ru="В магазине заказ оплачен, а проведённого платежа Payme по нему нет.",
            uz="Doʻkonda buyurtma toʻlangan, u boʻyicha oʻtkazilgan Payme toʻlovi esa yoʻq.",
            en="The shop has the order paid, and no performed payment of Payme is for it.",
        ),
        Text(
            ru="Проверьте, не оплачен ли он иначе (наличные, другой сервис) и тот ли взят период.",
            uz="U boshqacha (naqd, boshqa xizmat) toʻlanmaganini va davr toʻgʻri olinganini tekshiring.",
            en="Look whether it was paid otherwise (cash, another service), and whether the period is right.",
        ),
    ),
    "not-marked-paid": (
        Text(
            ru="Платёж проведён, заказ не отмечен оплаченным",
            uz="Toʻlov oʻtkazilgan, buyurtma toʻlangan deb belgilanmagan",
            en="A payment is performed, its order not marked paid",
        ),
        Text(
            ru="Покупатель заплатил, а в магазине заказ всё ещё ждёт оплаты.",
            uz="Xaridor toʻlagan, doʻkonda esa buyurtma hali toʻlov kutmoqda.",
            en="The payer paid, and the shop's order still waits for it.",
        ),
        Text(
            ru="Отметьте заказ оплаченным и выдайте его; проверьте журнал ошибок за это время.",
            uz="Buyurtmani toʻlangan deb belgilang va bering; shu vaqtdagi xatolar jurnalini tekshiring.",
            en="Mark it paid and deliver it; look into the log of errors of that time.",
        ),
    ),
    "cancelled-order-paid": (
        Text(
            ru="Оплачен отменённый заказ",
            uz="Bekor qilingan buyurtma toʻlangan",
            en="A cancelled order is paid",
        ),
        Text(
            ru="В магазине заказ отменён, а деньги за него получены и не возвращены.",
            uz="Doʻkonda buyurtma bekor qilingan, uning puli esa olingan va qaytarilmagan.",
            en="The shop cancelled the order, and its money was taken and not given back.",
        ),
        Text(
            ru="Верните деньги через Payme.",
            uz="Pulni Payme orqali qaytaring.",
            en="Refund it through Payme.",
        ),
    ),
    "refunded-only-in-shop": (
        Text(
            ru="Возврат отмечен в магазине, но не сделан",
            uz="Qaytarish doʻkonda belgilangan, lekin qilinmagan",
            en="A refund is booked in the shop, and was not made",
        ),
        Text(
            ru="Заказ в магазине возвращён, а платёж Payme по нему остаётся проведённым.",
            uz="Doʻkonda buyurtma puli qaytarilgan, u boʻyicha Payme toʻlovi esa oʻtkazilganligicha turibdi.",
            en="The shop's order is refunded, and its payment is still performed.",
        ),
        Text(
            ru="Покупатель ждёт деньги: отмените чек в Payme.",
            uz="Xaridor pulini kutmoqda: chekni Payme tizimida bekor qiling.",
            en="The payer waits for the money: cancel the receipt at Payme.",
        ),
    ),
    "refund-not-in-shop": (
        Text(
            ru="Деньги возвращены, заказ отмечен оплаченным",
            uz="Pul qaytarilgan, buyurtma toʻlangan deb belgilangan",
            en="The money was given back, the order counts as paid",
        ),
        Text(
            ru="Платёж по заказу возвращён, а в магазине заказ всё ещё оплачен.",
            uz="Buyurtma toʻlovi qaytarilgan, doʻkonda esa u hali ham toʻlangan.",
            en="The order's payment was refunded, and the shop still has it paid.",
        ),
        Text(
            ru="Отметьте возврат в магазине и верните товар на склад.",
            uz="Doʻkonda qaytarishni belgilang va tovarni omborga qaytaring.",
            en="Book the refund in the shop, and take the goods back.",
        ),
    ),
    "amount-differs-in-shop": (
        Text(
            ru="Сумма заказа не равна сумме платежа",
            uz="Buyurtma summasi toʻlov summasiga teng emas",
            en="The order's amount is not what was paid",
        ),
        Text(
            ru="В магазине заказ на одну сумму, а оплачена другая, и комиссией это не объясняется.",
            uz="Doʻkonda buyurtma bir summaga, toʻlangani esa boshqa, va buni komissiya bilan "
            "tushuntirib boʻlmaydi.",
            en="The shop's order is of one amount, and another was paid; the commission does not explain it.",
        ),
        Text(
            ru="Проверьте, не меняли ли заказ после оплаты и не перепутаны ли сумы и тийины.",
            uz="Toʻlovdan keyin buyurtma oʻzgartirilmaganini va soʻm bilan tiyin almashmaganini tekshiring.",
            en="Look whether the order was changed after it was paid, and whether sums and tiyin "
            "were mixed up.",
        ),
    ),
    "unknown-order": (
        Text(
            ru="Платёж за заказ, которого в магазине нет",
            uz="Doʻkonda yoʻq buyurtma uchun toʻlov",
            en="A payment for an order that the shop does not know",
        ),
        Text(
            ru="Платёж есть, а заказа с таким номером среди заказов магазина нет.",
            uz="Toʻlov bor, doʻkon buyurtmalari orasida esa bunday raqamli buyurtma yoʻq.",
            en="There is a payment, and none of the shop's orders has that number.",
        ),
        Text(
            ru="Проверьте, полон ли список заказов и то ли поле счёта взято; Excel мог убрать нули спереди.",
            uz="Buyurtmalar roʻyxati toʻliqligini va hisob maydoni toʻgʻriligini tekshiring; "
            "Excel oldingi nollarni olib tashlagan boʻlishi mumkin.",
            en="Look whether the list of orders is complete and the account's field the right one; "
            "Excel may have eaten leading zeros.",
        ),
    ),
    "listed-twice": (
        Text(
            ru="Одна запись встречается дважды и по-разному",
            uz="Bitta yozuv ikki marta va har xil uchraydi",
            en="One entry is listed twice, and differently",
        ),
        Text(
            ru="В одном источнике один и тот же номер стоит дважды с разными данными. Сверена одна "
            "из записей.",
            uz="Bitta manbada bir xil raqam ikki marta har xil maʼlumot bilan turibdi. Yozuvlardan "
            "biri solishtirildi.",
            en="One source has the same number twice with different content. One of the two was compared.",
        ),
        Text(
            ru="Выгрузите данные заново, одним разом.",
            uz="Maʼlumotlarni qaytadan, bir marta yuklab oling.",
            en="Export the data again, all at once.",
        ),
    ),
    "at-edge": (
        Text(ru="На границе периода", uz="Davr chegarasida", en="At the edge of the period"),
        Text(
            ru="Пара к этой записи может стоять в соседнем дне: например, чек создан до полуночи, "
            "а проведён после.",
            uz="Bu yozuvning jufti qoʻshni kunda boʻlishi mumkin: masalan, chek yarim tundan oldin "
            "yaratilgan, "
            "keyin oʻtkazilgan.",
            en="Its counterpart may stand in the neighbouring day: a receipt made before midnight, say, "
            "and performed after it.",
        ),
        Text(
            ru="Возьмите каждый источник на день шире периода: тогда у границы не останется вопросов.",
            uz="Har bir manbani davrdan bir kun kengroq oling: shunda chegarada savol qolmaydi.",
            en="Take every source a day wider than the period: then nothing is open at its edges.",
        ),
    ),
    "other-day": (
        Text(
            ru="Стороны отнесли платёж к разным дням",
            uz="Tomonlar toʻlovni har xil kunlarga yozgan",
            en="The sides book a payment on different days",
        ),
        Text(
            ru="Платёж совпадает, но прошёл около полуночи (Ташкент): итоги двух дней разойдутся на "
            "его сумму.",
            uz="Toʻlov mos, lekin yarim tun atrofida oʻtgan (Toshkent): ikki kun jami uning "
            "summasiga farq qiladi.",
            en="The payment agrees but went through about midnight (Tashkent): "
            "the totals of two days differ by it.",
        ),
        Text(
            ru="Ничего делать не нужно: за два дня вместе итоги равны.",
            uz="Hech narsa qilish shart emas: ikki kun jami teng.",
            en="Nothing is to be done: both days together agree.",
        ),
    ),
}
