"""What can be wrong with CreateTransaction, and with what an order becomes by it."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import BY_TRANSPORT
from tiyin.sandbox.problems import Kind, Severity, kind

__all__ = [
    "ACCUMULATING_REFUSED",
    "BUSY_ACCEPTED",
    "BUSY_CODE",
    "BUSY_OTHER_CODE",
    "BY_ALL",
    "CANCELLED_BLOCKED",
    "CHECK_NOT_FREE_CODE",
    "CREATE_AFTER_FINAL",
    "CREATE_KNOWN_CODE",
    "CREATE_OTHER_PARAMS",
    "CREATE_REFUSED",
    "CREATE_REPEAT_DIFFERS",
    "CREATE_REPEAT_REFUSED",
    "CREATE_RESULT",
    "PAID_ACCEPTED",
]

_PAGE: Final = "merchant-api/CreateTransaction"
BY_ALL: Final = ("authorization-right-refused", *BY_TRANSPORT)
"""What explains anything that goes wrong with a right call."""

CREATE_REFUSED: Final[Kind] = kind(
    "create-refused",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Верный CreateTransaction отклонён",
        uz="Toʻgʻri CreateTransaction rad etildi",
        en="A good CreateTransaction is refused",
    ),
    why=Text(
        ru="CheckPerformTransaction разрешил оплату, но транзакция не создана: плательщик не сможет "
        "заплатить.",
        uz="CheckPerformTransaction toʻlovga ruxsat berdi, lekin tranzaksiya yaratilmadi: toʻlovchi "
        "toʻlay olmaydi.",
        en="CheckPerformTransaction allowed the payment and no transaction came of it, so nobody can pay.",
    ),
    mend=Text(
        ru="Сохраните транзакцию, займите заказ и верните create_time, transaction и state 1.",
        uz="Tranzaksiyani saqlang, buyurtmani band qiling va create_time, transaction hamda state 1 ni "
        "qaytaring.",
        en="Store the transaction, reserve the order, and return create_time, transaction and state 1.",
    ),
    explained_by=(
        *BY_ALL,
        "check-refuses-good",
        "accumulating-refused",
        "cancelled-order-blocked",
        "expiry-blocks-order",
        "cancel-refused",
        "check-creates-transaction",
    ),
)
CREATE_RESULT: Final[Kind] = kind(
    "create-result",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Результат CreateTransaction не по документации",
        uz="CreateTransaction natijasi hujjatga mos emas",
        en="CreateTransaction's result is not as documented",
    ),
    why=Text(
        ru="Payme Business ждёт create_time, transaction и state 1; иначе чек отменяется.",
        uz="Payme Business create_time, transaction va state 1 ni kutadi; boʻlmasa chek bekor qilinadi.",
        en="Payme Business expects create_time, transaction and state 1; else the receipt is cancelled.",
    ),
    mend=Text(
        ru="Верните все три поля: время в миллисекундах, номер транзакции в вашей системе и состояние 1.",
        uz="Uchala maydonni qaytaring: millisekunddagi vaqt, tizimingizdagi tranzaksiya raqami va 1 holati.",
        en="Return all three: a time in milliseconds, your own number of the transaction, and the state 1.",
    ),
    explained_by=BY_ALL,
)
CREATE_REPEAT_REFUSED: Final[Kind] = kind(
    "create-repeat-refused",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Повторный CreateTransaction отклонён",
        uz="Takroriy CreateTransaction rad etildi",
        en="A repeated CreateTransaction is refused",
    ),
    why=Text(
        ru="Если ответ потерян, Payme Business повторяет запрос с теми же параметрами; отказ отменит платёж.",
        uz="Javob yoʻqolsa, Payme Business soʻrovni oʻsha parametrlar bilan takrorlaydi; rad javobi "
        "toʻlovni bekor qiladi.",
        en="When an answer is lost Payme Business repeats the same request; a refusal cancels the payment.",
    ),
    mend=Text(
        ru="Сначала ищите транзакцию по id: если она есть и ждёт, верните сохранённый ответ.",
        uz="Avval tranzaksiyani id boʻyicha qidiring: u bor va kutayotgan boʻlsa, saqlangan javobni "
        "qaytaring.",
        en="Look the id up first: where the transaction is there and waits, return the stored answer.",
    ),
    explained_by=(*BY_ALL, "create-refused", "create-result"),
)
CREATE_REPEAT_DIFFERS: Final[Kind] = kind(
    "create-repeat-differs",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Повторный CreateTransaction отвечает иначе",
        uz="Takroriy CreateTransaction boshqacha javob beradi",
        en="A repeated CreateTransaction answers otherwise",
    ),
    why=Text(
        ru="При повторном вызове ответ должен совпадать с первым: иначе в выписках окажутся разные "
        "времена и номера.",
        uz="Takroriy chaqiruvda javob birinchisiga mos boʻlishi kerak: aks holda koʻchirmalarda vaqt va "
        "raqamlar farq qiladi.",
        en="A repeated call must be answered as the first one was, else statements show other times and "
        "numbers.",
    ),
    mend=Text(
        ru="Запишите create_time один раз, при создании, и всегда возвращайте записанное значение.",
        uz="create_time ni bir marta, yaratishda yozing va har doim yozilgan qiymatni qaytaring.",
        en="Write create_time once, when the transaction is created, and always return what is stored.",
    ),
    explained_by=(*BY_ALL, "create-result"),
)
CREATE_OTHER_PARAMS: Final[Kind] = kind(
    "create-repeat-other-params",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Тот же id с другими параметрами принят",
        uz="Oʻsha id boshqa parametrlar bilan qabul qilindi",
        en="The same id with other parameters is accepted",
    ),
    why=Text(
        ru="Под одним id не может быть другой суммы, счёта или времени: деньги попадут не туда.",
        uz="Bitta id ostida boshqa summa, hisob yoki vaqt boʻlishi mumkin emas: pul boshqa joyga tushadi.",
        en="One id cannot stand for another amount, account or time: money would go astray.",
    ),
    mend=Text(
        ru="Сравните сумму, счёт и время с сохранёнными; при отличии верните -31008.",
        uz="Summa, hisob va vaqtni saqlanganlari bilan solishtiring; farq boʻlsa -31008 qaytaring.",
        en="Compare amount, account and time with what is stored; answer -31008 where they differ.",
    ),
    explained_by=(
        *BY_ALL,
        "create-repeat-differs",
        "amount-not-checked-at-create",
        "account-not-checked-at-create",
    ),
)
CREATE_AFTER_FINAL: Final[Kind] = kind(
    "create-after-final",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="CreateTransaction принят для завершённой или отменённой транзакции",
        uz="CreateTransaction yakunlangan yoki bekor qilingan tranzaksiya uchun qabul qilindi",
        en="CreateTransaction is accepted for a performed or cancelled transaction",
    ),
    why=Text(
        ru="Транзакция, которая проведена или отменена, больше не ждёт оплаты: ответ -31008.",
        uz="Oʻtkazilgan yoki bekor qilingan tranzaksiya endi toʻlov kutmaydi: javob -31008.",
        en="A transaction that was performed or cancelled waits for nothing any more: the answer is -31008.",
    ),
    mend=Text(
        ru="Если найденная по id транзакция не в состоянии 1, верните -31008.",
        uz="id boʻyicha topilgan tranzaksiya 1 holatida boʻlmasa, -31008 qaytaring.",
        en="Where the transaction found by its id is not in state 1, answer -31008.",
    ),
    explained_by=BY_ALL,
)
BUSY_ACCEPTED: Final[Kind] = kind(
    "busy-order-accepted",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Заказ, который уже ждёт оплаты, принят ещё раз",
        uz="Toʻlov kutayotgan buyurtma yana bir marta qabul qilindi",
        en="An order that waits for one payment is offered to another",
    ),
    why=Text(
        ru="На одноразовый счёт деньги поступают один раз; две ждущие транзакции списывают их дважды.",
        uz="Bir martalik hisobga pul bir marta tushadi; ikkita kutayotgan tranzaksiya uni ikki marta "
        "yechadi.",
        en="A one-time account takes money once; two waiting transactions take it twice.",
    ),
    mend=Text(
        ru="Пока у заказа есть транзакция в состоянии 1, отвечайте новой -31008, а проверке -31050..-31099.",
        uz="Buyurtmada 1 holatidagi tranzaksiya bor ekan, yangisiga -31008, tekshiruvga -31050..-31099 "
        "qaytaring.",
        en="While the order has a transaction in state 1, answer a new one -31008 and a check "
        "-31050..-31099.",
    ),
    explained_by=BY_ALL,
)
BUSY_CODE: Final[Kind] = kind(
    "busy-order-code",
    Severity.WARN,
    "sandbox",
    title=Text(
        ru="Занятый заказ отклонён кодом ошибки счёта",
        uz="Band buyurtma hisob xatosi kodi bilan rad etildi",
        en="A busy order is refused with an account error's code",
    ),
    why=Text(
        ru="Для новой транзакции по заказу, который ждёт оплаты, описана ошибка -31008.",
        uz="Toʻlov kutayotgan buyurtma boʻyicha yangi tranzaksiya uchun -31008 xatosi belgilangan.",
        en="For a new transaction on an order that waits for payment the documentation has -31008.",
    ),
    mend=Text(
        ru="Верните -31008, пока заказ занят другой транзакцией.",
        uz="Buyurtma boshqa tranzaksiya bilan band ekan, -31008 qaytaring.",
        en="Answer -31008 while another transaction holds the order.",
    ),
    explained_by=BY_ALL,
)
BUSY_OTHER_CODE: Final[Kind] = kind(
    "busy-order-other-code",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Занятый заказ отклонён неверным кодом",
        uz="Band buyurtma notoʻgʻri kod bilan rad etildi",
        en="A busy order is refused with a wrong code",
    ),
    why=Text(
        ru="Payme Business узнаёт занятый заказ по -31008; по другому коду плательщик увидит другую причину.",
        uz="Payme Business band buyurtmani -31008 boʻyicha taniydi; boshqa kodda toʻlovchi boshqa "
        "sababni koʻradi.",
        en="Payme Business knows a busy order by -31008; by another code the payer is told another reason.",
    ),
    mend=Text(
        ru="Верните -31008, пока заказ занят другой транзакцией.",
        uz="Buyurtma boshqa tranzaksiya bilan band ekan, -31008 qaytaring.",
        en="Answer -31008 while another transaction holds the order.",
    ),
    explained_by=BY_ALL,
)
ACCUMULATING_REFUSED: Final[Kind] = kind(
    "accumulating-refused",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Накопительный счёт не принимает второй платёж",
        uz="Jamgʻariladigan hisob ikkinchi toʻlovni qabul qilmaydi",
        en="An accumulating account refuses a second payment",
    ),
    why=Text(
        ru="На накопительный счёт деньги поступают сколько угодно раз, в том числе одновременно.",
        uz="Jamgʻariladigan hisobga pul istalgancha, shu jumladan bir vaqtda ham tushadi.",
        en="An accumulating account takes money any number of times, also at the same time.",
    ),
    mend=Text(
        ru="Не занимайте счёт транзакцией; если это заказ, укажите одноразовый счёт.",
        uz="Hisobni tranzaksiya bilan band qilmang; bu buyurtma boʻlsa, bir martalik hisobni koʻrsating.",
        en="Do not reserve the account; if it is an order, say that it is a one-time account.",
    ),
    explained_by=BY_ALL,
)
CANCELLED_BLOCKED: Final[Kind] = kind(
    "cancelled-order-blocked",
    Severity.FAIL,
    "merchant-api/CancelTransaction",
    title=Text(
        ru="После отмены заказ нельзя оплатить снова",
        uz="Bekor qilingandan keyin buyurtmani qayta toʻlab boʻlmaydi",
        en="After a cancel the order cannot be paid again",
    ),
    why=Text(
        ru="Плательщик, у которого не прошла карта, попробует ещё раз; заказ не должен остаться занятым.",
        uz="Kartasi oʻtmagan toʻlovchi yana urinadi; buyurtma band qolmasligi kerak.",
        en="A payer whose card failed tries again; the order must not stay reserved.",
    ),
    mend=Text(
        ru="При отмене транзакции из состояния 1 верните заказ в ожидание оплаты.",
        uz="Tranzaksiya 1 holatidan bekor qilinganda buyurtmani toʻlov kutish holatiga qaytaring.",
        en="When a transaction is cancelled from state 1, let the order wait for payment again.",
    ),
    explained_by=(*BY_ALL, "cancel-refused", "cancel-result"),
)
PAID_ACCEPTED: Final[Kind] = kind(
    "paid-order-accepted",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Оплаченный заказ можно оплатить ещё раз",
        uz="Toʻlangan buyurtmani yana toʻlash mumkin",
        en="A paid order can be paid once more",
    ),
    why=Text(
        ru="Одноразовый счёт оплачивается один раз: второй платёж спишет деньги дважды.",
        uz="Bir martalik hisob bir marta toʻlanadi: ikkinchi toʻlov pulni ikki marta yechadi.",
        en="A one-time account is paid once: a second payment takes the money twice.",
    ),
    mend=Text(
        ru="После PerformTransaction отмечайте заказ оплаченным; проверке отвечайте -31050..-31099, "
        "созданию -31008.",
        uz="PerformTransaction dan keyin buyurtmani toʻlangan deb belgilang; tekshiruvga -31050..-31099, "
        "yaratishga -31008 qaytaring.",
        en="Mark the order as paid at PerformTransaction; answer a check -31050..-31099 and a create -31008.",
    ),
    explained_by=(*BY_ALL, "busy-order-accepted"),
)
CREATE_KNOWN_CODE: Final[Kind] = kind(
    "create-known-id-code",
    Severity.WARN,
    _PAGE,
    title=Text(
        ru="Известный id отклонён другим кодом",
        uz="Maʼlum id boshqa kod bilan rad etildi",
        en="A known id is refused with another code",
    ),
    why=Text(
        ru="Транзакция с таким id уже есть, и её состояние или параметры не позволяют операцию: это -31008.",
        uz="Bunday id li tranzaksiya bor, uning holati yoki parametrlari amalga yoʻl qoʻymaydi: bu -31008.",
        en="A transaction has this id, and its state or parameters forbid the operation: that is -31008.",
    ),
    mend=Text(
        ru="Ищите транзакцию по id прежде счёта и суммы, и отвечайте -31008.",
        uz="Tranzaksiyani hisob va summadan oldin id boʻyicha qidiring va -31008 qaytaring.",
        en="Look the id up before account and amount, and answer -31008.",
    ),
    explained_by=(*BY_ALL, "internal-error-on-bad-input"),
)
CHECK_NOT_FREE_CODE: Final[Kind] = kind(
    "check-not-free-code",
    Severity.FAIL,
    "merchant-api/CheckPerformTransaction",
    title=Text(
        ru="Занятый или оплаченный заказ отклонён неверным кодом",
        uz="Band yoki toʻlangan buyurtma notoʻgʻri kod bilan rad etildi",
        en="A busy or paid order is refused with a wrong code",
    ),
    why=Text(
        ru="Плательщику покажут чужую причину, а по -32400 запрос будут повторять.",
        uz="Toʻlovchiga boshqa sabab koʻrsatiladi, -32400 boʻlsa soʻrov takrorlanaveradi.",
        en="The payer is told another reason, and with -32400 the call is made again and again.",
    ),
    mend=Text(
        ru="Отвечайте -31050..-31099 с именем поля счёта и сообщением на трёх языках.",
        uz="Hisob maydoni nomi va uch tildagi xabar bilan -31050..-31099 qaytaring.",
        en="Answer -31050..-31099 with the account field's name and a message in three languages.",
    ),
    explained_by=(*BY_ALL, "account-code", "busy-order-other-code"),
)
