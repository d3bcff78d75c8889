"""What can be wrong with twelve hours and with statements."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_create import BY_ALL
from tiyin.sandbox.problems import Kind, Severity, kind

__all__ = [
    "EXPIRED_ACCEPTED",
    "EXPIRED_PERFORMS",
    "EXPIRY_BLOCKS",
    "EXPIRY_STATE",
    "FUTURE_ACCEPTED",
    "STATEMENT_EMPTY",
    "STATEMENT_FIELDS",
    "STATEMENT_ORDER",
    "STATEMENT_OWN_TIME",
    "STATEMENT_RANGE",
]

_CREATE: Final = "merchant-api/CreateTransaction"
_PERFORM: Final = "merchant-api/PerformTransaction"
_STATEMENT: Final = "merchant-api/GetStatement"

EXPIRED_ACCEPTED: Final[Kind] = kind(
    "expired-accepted",
    Severity.FAIL,
    _CREATE,
    title=Text(
        ru="Принята транзакция старше 12 часов",
        uz="12 soatdan eski tranzaksiya qabul qilindi",
        en="A transaction older than 12 hours is accepted",
    ),
    why=Text(
        ru="Транзакция живёт 43 200 000 мс от её time; создавать истёкшую нельзя.",
        uz="Tranzaksiya time dan boshlab 43 200 000 ms yashaydi; muddati oʻtganini yaratib boʻlmaydi.",
        en="A transaction lives 43,200,000 ms from its time; one that is over cannot be created.",
    ),
    mend=Text(
        ru="Если time раньше, чем 12 часов назад, верните -31008 и ничего не сохраняйте.",
        uz="time 12 soatdan oldin boʻlsa, -31008 qaytaring va hech narsa saqlamang.",
        en="Where time is more than 12 hours ago, answer -31008 and store nothing.",
    ),
    explained_by=BY_ALL,
)
FUTURE_ACCEPTED: Final[Kind] = kind(
    "future-accepted",
    Severity.WARN,
    _CREATE,
    title=Text(
        ru="Принята транзакция из будущего",
        uz="Kelajakdagi tranzaksiya qabul qilindi",
        en="A transaction from the future is accepted",
    ),
    why=Text(
        ru="time больше чем на сутки впереди значит, что часы сбиты: такой заказ не освободится вовремя.",
        uz="time bir kundan koʻproq oldinda boʻlsa, soat notoʻgʻri: bunday buyurtma vaqtida boʻshamaydi.",
        en="A time more than a day ahead means that a clock is wrong: such an order is not freed in time.",
    ),
    mend=Text(
        ru="Если time позже, чем через сутки, верните -31008.",
        uz="time bir sutkadan keyin boʻlsa, -31008 qaytaring.",
        en="Where time is more than a day ahead, answer -31008.",
    ),
    explained_by=(*BY_ALL, "expired-accepted"),
)
EXPIRED_PERFORMS: Final[Kind] = kind(
    "expired-performs",
    Severity.FAIL,
    _PERFORM,
    title=Text(
        ru="Транзакция проведена после своих 12 часов",
        uz="Tranzaksiya 12 soatidan keyin oʻtkazildi",
        en="A transaction performs after its 12 hours",
    ),
    why=Text(
        ru="Срок считается от time, времени Payme, а не от вашего create_time; истёкшую ждёт -31008.",
        uz="Muddat sizning create_time dan emas, Payme vaqti time dan hisoblanadi; oʻtganiga javob -31008.",
        en="The term counts from time, which is Payme's, and not from your create_time; the answer is "
        "-31008.",
    ),
    mend=Text(
        ru="При PerformTransaction сравните время с time: старше 12 часов отмените (state -1, reason 4) "
        "и верните -31008.",
        uz="PerformTransaction da vaqtni time bilan solishtiring: 12 soatdan oshsa bekor qiling (state "
        "-1, reason 4) va -31008 qaytaring.",
        en="At PerformTransaction compare with time: past 12 hours cancel it (state -1, reason 4), "
        "answer -31008.",
    ),
    explained_by=(*BY_ALL, "perform-after-cancel"),
)
EXPIRY_STATE: Final[Kind] = kind(
    "expiry-state",
    Severity.FAIL,
    "merchant-api/data-types",
    title=Text(
        ru="Истёкшая транзакция не отменена по таймауту",
        uz="Muddati oʻtgan tranzaksiya taym-aut boʻyicha bekor qilinmagan",
        en="An expired transaction is not cancelled by timeout",
    ),
    why=Text(
        ru="После 12 часов состояние -1 и причина 4: так видно, что денег не было.",
        uz="12 soatdan keyin holat -1 va sabab 4: pul boʻlmagani shundan koʻrinadi.",
        en="After 12 hours the state is -1 and the reason 4: it shows that there was no money.",
    ),
    mend=Text(
        ru="Заметив истечение, запишите state -1, reason 4 и cancel_time.",
        uz="Muddat oʻtganini payqaganda state -1, reason 4 va cancel_time ni yozing.",
        en="When you notice the expiry, store state -1, reason 4 and cancel_time.",
    ),
    explained_by=(*BY_ALL, "expired-performs", "check-transaction-reason", "check-transaction-differs"),
)
EXPIRY_BLOCKS: Final[Kind] = kind(
    "expiry-blocks-order",
    Severity.FAIL,
    _CREATE,
    title=Text(
        ru="После истечения заказ остаётся занятым",
        uz="Muddat oʻtgandan keyin buyurtma band qoladi",
        en="After the expiry the order stays reserved",
    ),
    why=Text(
        ru="Плательщик, который не успел, не сможет заплатить никогда.",
        uz="Ulgurmagan toʻlovchi hech qachon toʻlay olmaydi.",
        en="A payer who was late can never pay.",
    ),
    mend=Text(
        ru="Отменяя по таймауту, верните заказ в ожидание оплаты.",
        uz="Taym-aut boʻyicha bekor qilganda buyurtmani toʻlov kutish holatiga qaytaring.",
        en="When you cancel by timeout, let the order wait for payment again.",
    ),
    explained_by=(
        *BY_ALL,
        "accumulating-refused",
        "cancelled-order-blocked",
        "expired-performs",
        "expiry-state",
    ),
)
STATEMENT_EMPTY: Final[Kind] = kind(
    "statement-empty",
    Severity.FAIL,
    _STATEMENT,
    title=Text(
        ru="В выписке нет транзакции, которая была создана",
        uz="Koʻchirmada yaratilgan tranzaksiya yoʻq",
        en="The statement lacks a transaction that was created",
    ),
    why=Text(
        ru="По GetStatement идёт сверка: чего в нём нет, того для Payme Business у вас не было.",
        uz="GetStatement boʻyicha solishtirish boradi: unda yoʻq narsa Payme Business uchun sizda boʻlmagan.",
        en="GetStatement is what is reconciled: what it lacks you never had, for Payme Business.",
    ),
    mend=Text(
        ru="Верните все транзакции, у которых from <= time <= to, в любом состоянии.",
        uz="from <= time <= to boʻlgan barcha tranzaksiyalarni istalgan holatda qaytaring.",
        en="Return all transactions with from <= time <= to, in any state.",
    ),
    explained_by=(*BY_ALL, "create-result", "neither-result-nor-error", "statement-by-own-time"),
)
STATEMENT_RANGE: Final[Kind] = kind(
    "statement-range",
    Severity.FAIL,
    _STATEMENT,
    title=Text(
        ru="Выписка не держится периода",
        uz="Koʻchirma davrga rioya qilmaydi",
        en="The statement does not keep to its period",
    ),
    why=Text(
        ru="Период включает оба конца и ничего вне их: иначе платежи пропадут или посчитаются дважды.",
        uz="Davr ikkala chegarani oʻz ichiga oladi, tashqarisini emas: aks holda toʻlovlar yoʻqoladi "
        "yoki ikki marta sanaladi.",
        en="A period includes both its ends and nothing beyond, else payments are lost or counted twice.",
    ),
    mend=Text(
        ru="Отбирайте по from <= time <= to.",
        uz="from <= time <= to boʻyicha tanlang.",
        en="Select by from <= time <= to.",
    ),
    explained_by=(*BY_ALL, "statement-by-own-time"),
)
STATEMENT_OWN_TIME: Final[Kind] = kind(
    "statement-by-own-time",
    Severity.FAIL,
    _STATEMENT,
    title=Text(
        ru="Выписка отобрана по времени мерчанта",
        uz="Koʻchirma merchant vaqti boʻyicha tanlangan",
        en="The statement goes by the merchant's own time",
    ),
    why=Text(
        ru="Период задан по time, времени создания в Payme Business: на границе суток платежи разойдутся.",
        uz="Davr Payme Business dagi yaratilish vaqti time boʻyicha beriladi: sutka chegarasida "
        "toʻlovlar farq qiladi.",
        en="The period is that of time, when Payme made it: at the end of a day the two sides part.",
    ),
    mend=Text(
        ru="Отбирайте и сортируйте по time, а не по create_time.",
        uz="create_time emas, time boʻyicha tanlang va saralang.",
        en="Select and sort by time, not by create_time.",
    ),
    explained_by=BY_ALL,
)
STATEMENT_ORDER: Final[Kind] = kind(
    "statement-order",
    Severity.FAIL,
    _STATEMENT,
    title=Text(
        ru="Выписка не по возрастанию времени",
        uz="Koʻchirma vaqt oʻsishi boʻyicha emas",
        en="The statement is not in ascending order of time",
    ),
    why=Text(
        ru="Список транзакций сортируется по времени создания в Payme Business, по возрастанию.",
        uz="Tranzaksiyalar roʻyxati Payme Business da yaratilgan vaqti boʻyicha oʻsish tartibida saralanadi.",
        en="The list is sorted by the time of creation at Payme Business, ascending.",
    ),
    mend=Text(
        ru="Сортируйте по time по возрастанию.",
        uz="time boʻyicha oʻsish tartibida saralang.",
        en="Sort by time, ascending.",
    ),
    explained_by=(*BY_ALL, "statement-empty", "statement-fields", "statement-by-own-time"),
)
STATEMENT_FIELDS: Final[Kind] = kind(
    "statement-fields",
    Severity.FAIL,
    _STATEMENT,
    title=Text(
        ru="Запись выписки неполна или неверна",
        uz="Koʻchirma yozuvi toʻliq emas yoki notoʻgʻri",
        en="A row of the statement is incomplete or wrong",
    ),
    why=Text(
        ru="Каждая запись несёт id, time, amount, account, три времени, transaction, state и reason.",
        uz="Har bir yozuvda id, time, amount, account, uchta vaqt, transaction, state va reason boʻladi.",
        en="Each row carries id, time, amount, account, three times, transaction, state and reason.",
    ),
    mend=Text(
        ru="Верните все поля с теми же значениями, что и CheckTransaction.",
        uz="Barcha maydonlarni CheckTransaction dagi qiymatlar bilan qaytaring.",
        en="Return all fields, with the values that CheckTransaction tells.",
    ),
    explained_by=(
        *BY_ALL,
        "create-result",
        "create-repeat-differs",
        "perform-result",
        "perform-repeat-differs",
        "cancel-result",
        "cancel-repeat-differs",
        "check-transaction-reason",
        "statement-empty",
    ),
)
