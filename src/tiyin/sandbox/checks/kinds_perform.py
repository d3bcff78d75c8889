"""What can be wrong with PerformTransaction, CancelTransaction and CheckTransaction."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_create import BY_ALL
from tiyin.sandbox.problems import Kind, Severity, kind

__all__ = [
    "CANCEL_REFUSED",
    "CANCEL_REPEAT_DIFFERS",
    "CANCEL_REPEAT_REFUSED",
    "CANCEL_RESULT",
    "CHECK_DIFFERS",
    "CHECK_REASON",
    "CHECK_REFUSED",
    "PERFORM_AFTER_CANCEL",
    "PERFORM_REFUSED",
    "PERFORM_REPEAT_DIFFERS",
    "PERFORM_REPEAT_REFUSED",
    "PERFORM_RESULT",
    "UNKNOWN_CODE",
]

_PERFORM: Final = "merchant-api/PerformTransaction"
_CANCEL: Final = "merchant-api/CancelTransaction"
_CHECK: Final = "merchant-api/CheckTransaction"

PERFORM_REFUSED: Final[Kind] = kind(
    "perform-refused",
    Severity.FAIL,
    _PERFORM,
    title=Text(
        ru="PerformTransaction отклонён",
        uz="PerformTransaction rad etildi",
        en="PerformTransaction is refused",
    ),
    why=Text(
        ru="Деньги уже списаны: отказ означает возврат плательщику и незавершённый заказ.",
        uz="Pul allaqachon yechilgan: rad javobi toʻlovchiga qaytarish va tugallanmagan buyurtmani "
        "bildiradi.",
        en="The money is taken already: a refusal means a refund and an order that was not carried out.",
    ),
    mend=Text(
        ru="Транзакцию в состоянии 1 проведите: отметьте заказ оплаченным, верните transaction, "
        "perform_time, state 2.",
        uz="1 holatidagi tranzaksiyani oʻtkazing: buyurtmani toʻlangan deb belgilang, transaction, "
        "perform_time, state 2 ni qaytaring.",
        en="Perform a transaction in state 1: mark the order paid and return transaction, perform_time, "
        "state 2.",
    ),
    explained_by=(*BY_ALL, "create-result"),
)
PERFORM_RESULT: Final[Kind] = kind(
    "perform-result",
    Severity.FAIL,
    _PERFORM,
    title=Text(
        ru="Результат PerformTransaction не по документации",
        uz="PerformTransaction natijasi hujjatga mos emas",
        en="PerformTransaction's result is not as documented",
    ),
    why=Text(
        ru="Payme Business ждёт transaction, perform_time и state 2; иначе чек остаётся в очереди на "
        "закрытие.",
        uz="Payme Business transaction, perform_time va state 2 ni kutadi; boʻlmasa chek yopilish "
        "navbatida qoladi.",
        en="Payme Business expects transaction, perform_time and state 2; else the receipt stays unclosed.",
    ),
    mend=Text(
        ru="Верните все три поля; perform_time в миллисекундах, больше нуля.",
        uz="Uchala maydonni qaytaring; perform_time millisekundda, noldan katta.",
        en="Return all three; perform_time in milliseconds, above zero.",
    ),
    explained_by=BY_ALL,
)
PERFORM_REPEAT_REFUSED: Final[Kind] = kind(
    "perform-repeat-refused",
    Severity.FAIL,
    _PERFORM,
    title=Text(
        ru="Повторный PerformTransaction отклонён",
        uz="Takroriy PerformTransaction rad etildi",
        en="A repeated PerformTransaction is refused",
    ),
    why=Text(
        ru="Если ответ потерян, запрос повторяется; отказ выглядит как непроведённый платёж и ведёт к "
        "возврату.",
        uz="Javob yoʻqolsa, soʻrov takrorlanadi; rad javobi oʻtkazilmagan toʻlov boʻlib koʻrinadi va pul "
        "qaytariladi.",
        en="When an answer is lost the call is repeated; a refusal looks like a failed payment and is "
        "refunded.",
    ),
    mend=Text(
        ru="Для транзакции в состоянии 2 верните сохранённый результат, ничего не выполняя.",
        uz="2 holatidagi tranzaksiya uchun hech narsa bajarmay saqlangan natijani qaytaring.",
        en="For a transaction in state 2 return the stored result and carry out nothing.",
    ),
    explained_by=(*BY_ALL, "perform-refused", "perform-result"),
)
PERFORM_REPEAT_DIFFERS: Final[Kind] = kind(
    "perform-repeat-differs",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Повторный PerformTransaction отвечает иначе",
        uz="Takroriy PerformTransaction boshqacha javob beradi",
        en="A repeated PerformTransaction answers otherwise",
    ),
    why=Text(
        ru="Другой perform_time означает, что заказ выполнили ещё раз или время не сохранено.",
        uz="Boshqa perform_time buyurtma yana bajarilganini yoki vaqt saqlanmaganini bildiradi.",
        en="Another perform_time means that the order was carried out again, or that no time is kept.",
    ),
    mend=Text(
        ru="Запишите perform_time один раз и возвращайте записанное.",
        uz="perform_time ni bir marta yozing va yozilganini qaytaring.",
        en="Write perform_time once and return what is stored.",
    ),
    explained_by=(*BY_ALL, "perform-result", "perform-repeat-refused"),
)
PERFORM_AFTER_CANCEL: Final[Kind] = kind(
    "perform-after-cancel",
    Severity.FAIL,
    _PERFORM,
    title=Text(
        ru="Отменённая транзакция проведена",
        uz="Bekor qilingan tranzaksiya oʻtkazildi",
        en="A cancelled transaction performs",
    ),
    why=Text(
        ru="Деньги по отменённой транзакции не списаны или возвращены: товар уйдёт бесплатно.",
        uz="Bekor qilingan tranzaksiya boʻyicha pul yechilmagan yoki qaytarilgan: tovar tekinga ketadi.",
        en="For a cancelled transaction no money is taken or it was given back: the goods would go for free.",
    ),
    mend=Text(
        ru="Проводите только из состояния 1; из -1 и -2 отвечайте -31008.",
        uz="Faqat 1 holatidan oʻtkazing; -1 va -2 dan -31008 qaytaring.",
        en="Perform from state 1 alone; answer -31008 from -1 and -2.",
    ),
    explained_by=BY_ALL,
)
UNKNOWN_CODE: Final[Kind] = kind(
    "unknown-transaction-code",
    Severity.FAIL,
    "merchant-api/errors",
    title=Text(
        ru="Неизвестная транзакция отвечена не кодом -31003",
        uz="Nomaʼlum tranzaksiyaga -31003 dan boshqa javob berildi",
        en="An unknown transaction is not answered -31003",
    ),
    why=Text(
        ru="По -31003 Payme Business узнаёт, что транзакции у вас нет, и решает, что делать с деньгами.",
        uz="-31003 boʻyicha Payme Business sizda tranzaksiya yoʻqligini biladi va pul bilan nima "
        "qilishni hal qiladi.",
        en="By -31003 Payme Business learns that you have no such transaction, and decides about the money.",
    ),
    mend=Text(
        ru="Если транзакции с таким id нет, верните -31003 из Perform, Cancel и CheckTransaction.",
        uz="Bunday id li tranzaksiya boʻlmasa, Perform, Cancel va CheckTransaction dan -31003 qaytaring.",
        en="Where no transaction has this id, answer -31003 from Perform, Cancel and CheckTransaction.",
    ),
    explained_by=BY_ALL,
)
CANCEL_REFUSED: Final[Kind] = kind(
    "cancel-refused",
    Severity.FAIL,
    _CANCEL,
    title=Text(
        ru="Ждущую транзакцию нельзя отменить",
        uz="Kutayotgan tranzaksiyani bekor qilib boʻlmaydi",
        en="A waiting transaction cannot be cancelled",
    ),
    why=Text(
        ru="Когда карта не прошла, Payme Business отменяет транзакцию; отказ оставит заказ занятым.",
        uz="Karta oʻtmaganda Payme Business tranzaksiyani bekor qiladi; rad javobi buyurtmani band "
        "qoldiradi.",
        en="When a card fails Payme Business cancels the transaction; a refusal leaves the order reserved.",
    ),
    mend=Text(
        ru="Из состояния 1 отменяйте всегда: state -1. Код -31007 бывает только после PerformTransaction.",
        uz="1 holatidan har doim bekor qiling: state -1. -31007 kodi faqat PerformTransaction dan keyin "
        "boʻladi.",
        en="From state 1 always cancel: state -1. The code -31007 is for after PerformTransaction only.",
    ),
    explained_by=(*BY_ALL, "create-result"),
)
CANCEL_RESULT: Final[Kind] = kind(
    "cancel-result",
    Severity.FAIL,
    _CANCEL,
    title=Text(
        ru="Результат CancelTransaction не по документации",
        uz="CancelTransaction natijasi hujjatga mos emas",
        en="CancelTransaction's result is not as documented",
    ),
    why=Text(
        ru="Состояние -1 значит «отменена до проведения», -2 «после»: по нему решают, возвращать ли деньги.",
        uz="-1 holati «oʻtkazishdan oldin», -2 «keyin» bekor qilinganini bildiradi: pulni qaytarish "
        "shunga bogʻliq.",
        en="State -1 means cancelled before it was performed, -2 after it: refunds are decided by that.",
    ),
    mend=Text(
        ru="Верните transaction, cancel_time больше нуля и state: -1 из состояния 1, -2 из состояния 2.",
        uz="transaction, noldan katta cancel_time va state ni qaytaring: 1 dan -1, 2 dan -2.",
        en="Return transaction, a cancel_time above zero, and state: -1 from state 1, -2 from state 2.",
    ),
    explained_by=BY_ALL,
)
CANCEL_REPEAT_REFUSED: Final[Kind] = kind(
    "cancel-repeat-refused",
    Severity.FAIL,
    _CANCEL,
    title=Text(
        ru="Повторный CancelTransaction отклонён",
        uz="Takroriy CancelTransaction rad etildi",
        en="A repeated CancelTransaction is refused",
    ),
    why=Text(
        ru="После потерянного ответа отмена повторяется, и Payme Business должен узнать, что она состоялась.",
        uz="Yoʻqolgan javobdan keyin bekor qilish takrorlanadi va Payme Business u amalga oshganini "
        "bilishi kerak.",
        en="After a lost answer the cancel is repeated, and Payme Business must learn that it was done.",
    ),
    mend=Text(
        ru="Для состояний -1 и -2 верните сохранённый результат.",
        uz="-1 va -2 holatlari uchun saqlangan natijani qaytaring.",
        en="For the states -1 and -2 return the stored result.",
    ),
    explained_by=(*BY_ALL, "cancel-refused", "cancel-result"),
)
CANCEL_REPEAT_DIFFERS: Final[Kind] = kind(
    "cancel-repeat-differs",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Повторный CancelTransaction отвечает иначе",
        uz="Takroriy CancelTransaction boshqacha javob beradi",
        en="A repeated CancelTransaction answers otherwise",
    ),
    why=Text(
        ru="При повторном вызове ответ должен совпадать с первым: cancel_time входит в сверку.",
        uz="Takroriy chaqiruvda javob birinchisiga mos boʻlishi kerak: cancel_time solishtirmaga kiradi.",
        en="A repeated call must be answered as the first one was: cancel_time is part of reconciliation.",
    ),
    mend=Text(
        ru="Запишите cancel_time один раз и возвращайте записанное.",
        uz="cancel_time ni bir marta yozing va yozilganini qaytaring.",
        en="Write cancel_time once and return what is stored.",
    ),
    explained_by=(*BY_ALL, "cancel-result", "cancel-repeat-refused"),
)
CHECK_REFUSED: Final[Kind] = kind(
    "check-transaction-refused",
    Severity.FAIL,
    _CHECK,
    title=Text(
        ru="CheckTransaction не находит созданную транзакцию",
        uz="CheckTransaction yaratilgan tranzaksiyani topmaydi",
        en="CheckTransaction does not find what was created",
    ),
    why=Text(
        ru="По CheckTransaction Payme Business узнаёт, чем кончился платёж, если ответ потерян.",
        uz="CheckTransaction orqali Payme Business javob yoʻqolganda toʻlov qanday tugaganini biladi.",
        en="CheckTransaction is how Payme Business learns how a payment ended whose answer was lost.",
    ),
    mend=Text(
        ru="Верните состояние и времена любой транзакции, которую вы создали.",
        uz="Yaratgan har qanday tranzaksiyangizning holati va vaqtlarini qaytaring.",
        en="Return the state and the times of any transaction that you created.",
    ),
    explained_by=(*BY_ALL, "create-result"),
)
CHECK_DIFFERS: Final[Kind] = kind(
    "check-transaction-differs",
    Severity.FAIL,
    _CHECK,
    title=Text(
        ru="CheckTransaction говорит не то, что ответили раньше",
        uz="CheckTransaction avvalgi javobdan boshqacha aytadi",
        en="CheckTransaction says something else than was answered before",
    ),
    why=Text(
        ru="Состояние и времена должны быть теми же, что вернули Create, Perform и CancelTransaction.",
        uz="Holat va vaqtlar Create, Perform va CancelTransaction qaytarganlari bilan bir xil boʻlishi "
        "kerak.",
        en="State and times must be those that Create, Perform and CancelTransaction returned.",
    ),
    mend=Text(
        ru="Отвечайте из сохранённой записи; незаданные времена равны 0.",
        uz="Saqlangan yozuvdan javob bering; belgilanmagan vaqtlar 0 ga teng.",
        en="Answer from the stored record; times that are not set are 0.",
    ),
    explained_by=(
        *BY_ALL,
        "create-result",
        "create-repeat-differs",
        "perform-result",
        "perform-repeat-differs",
        "cancel-result",
        "cancel-repeat-differs",
        "perform-after-cancel",
        "race-perform",
        "race-same-id",
    ),
)
CHECK_REASON: Final[Kind] = kind(
    "check-transaction-reason",
    Severity.FAIL,
    _CHECK,
    title=Text(
        ru="Причина отмены не сохранена",
        uz="Bekor qilish sababi saqlanmagan",
        en="The reason of a cancel is not kept",
    ),
    why=Text(
        ru="Причина отличает возврат от сбоя и истечения времени; она входит в CheckTransaction и "
        "GetStatement.",
        uz="Sabab pul qaytarishni nosozlik va vaqt tugashidan ajratadi; u CheckTransaction va "
        "GetStatement ga kiradi.",
        en="The reason tells a refund from a failure and from expiry; CheckTransaction and GetStatement "
        "carry it.",
    ),
    mend=Text(
        ru="Сохраните reason из CancelTransaction и возвращайте его; без отмены это null.",
        uz="CancelTransaction dagi reason ni saqlang va qaytaring; bekor qilinmagan boʻlsa, u null.",
        en="Store the reason of CancelTransaction and return it; without a cancel it is null.",
    ),
    explained_by=(*BY_ALL, "cancel-result"),
)
