"""What can be wrong with simultaneous calls, lost answers, fiscal data and keys."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_create import BY_ALL
from tiyin.sandbox.problems import Kind, Severity, kind

__all__ = [
    "FISCAL_REFUSED",
    "FISCAL_UNKNOWN",
    "LOST_CANCEL",
    "LOST_CREATE",
    "LOST_PERFORM",
    "PASSWORD_NOT_CHANGED",
    "PASSWORD_NOT_PUT_BACK",
    "PASSWORD_REFUSED",
    "RACE_CREATE",
    "RACE_PERFORM",
    "RACE_PERFORM_CANCEL",
    "RACE_SAME_ID",
]

_FISCAL: Final = "merchant-api/SetFiscalData"
_INTERACTION: Final = "merchant-api/interaction"

RACE_CREATE: Final[Kind] = kind(
    "race-create-twice",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Две одновременные транзакции заняли один заказ",
        uz="Ikkita bir vaqtdagi tranzaksiya bitta buyurtmani band qildi",
        en="Two simultaneous transactions got one order",
    ),
    why=Text(
        ru="Два плательщика платят одновременно: проверка и запись должны быть одним действием.",
        uz="Ikki toʻlovchi bir vaqtda toʻlaydi: tekshirish va yozish bitta amal boʻlishi kerak.",
        en="Two people pay at once: looking and writing must be one action.",
    ),
    mend=Text(
        ru="Блокируйте заказ (SELECT ... FOR UPDATE) или поставьте уникальный индекс на ждущую "
        "транзакцию заказа.",
        uz="Buyurtmani bloklang (SELECT ... FOR UPDATE) yoki kutayotgan tranzaksiyaga noyob indeks qoʻying.",
        en="Lock the order (SELECT ... FOR UPDATE), or put a unique index on an order's waiting transaction.",
    ),
    explained_by=(*BY_ALL, "busy-order-accepted", "cancelled-order-blocked", "create-result"),
)
RACE_SAME_ID: Final[Kind] = kind(
    "race-same-id",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Одинаковые одновременные CreateTransaction отвечены по-разному",
        uz="Bir xil bir vaqtdagi CreateTransaction larga har xil javob berildi",
        en="Equal simultaneous CreateTransactions are answered differently",
    ),
    why=Text(
        ru="Повтор может прийти, пока первый запрос ещё выполняется: транзакция всё равно одна.",
        uz="Takror birinchi soʻrov bajarilayotganda kelishi mumkin: tranzaksiya baribir bitta.",
        en="A repeat may come while the first is still being served: it is one transaction all the same.",
    ),
    mend=Text(
        ru="Сделайте id уникальным в базе; при конфликте прочитайте запись и верните её.",
        uz="Bazada id ni noyob qiling; ziddiyatda yozuvni oʻqib qaytaring.",
        en="Make the id unique in the database; on a conflict read the record and return it.",
    ),
    explained_by=(
        *BY_ALL,
        "accumulating-refused",
        "create-repeat-refused",
        "create-repeat-differs",
        "create-result",
    ),
)
RACE_PERFORM: Final[Kind] = kind(
    "race-perform",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Одновременные PerformTransaction отвечены по-разному",
        uz="Bir vaqtdagi PerformTransaction larga har xil javob berildi",
        en="Simultaneous PerformTransactions are answered differently",
    ),
    why=Text(
        ru="Разные времена означают, что заказ выполнен не один раз: товар уйдёт дважды.",
        uz="Har xil vaqtlar buyurtma bir martadan koʻp bajarilganini bildiradi: tovar ikki marta ketadi.",
        en="Different times mean that the order was carried out more than once: the goods go twice.",
    ),
    mend=Text(
        ru="Меняйте состояние одним условным обновлением (WHERE state = 1) и выполняйте заказ, только "
        "если оно удалось.",
        uz="Holatni bitta shartli yangilash bilan oʻzgartiring (WHERE state = 1) va buyurtmani faqat u "
        "bajarilsa bajaring.",
        en="Change the state by one conditional update (WHERE state = 1), and fulfil only if it took effect.",
    ),
    explained_by=(*BY_ALL, "perform-repeat-refused", "perform-repeat-differs", "perform-result"),
)
RACE_PERFORM_CANCEL: Final[Kind] = kind(
    "race-perform-cancel",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Проведение и отмена одновременно удались обе",
        uz="Oʻtkazish va bekor qilish bir vaqtda ikkalasi ham oʻtdi",
        en="A perform and a cancel at once both succeed",
    ),
    why=Text(
        ru="Итог один: либо 2 и потом -2, либо -1 и отказ. Иначе товар уйдёт без денег.",
        uz="Natija bitta: yo 2 va keyin -2, yo -1 va rad. Aks holda tovar pulsiz ketadi.",
        en="There is one outcome: 2 and then -2, or -1 and a refusal. Else goods go without money.",
    ),
    mend=Text(
        ru="Оба метода меняют состояние условным обновлением от прочитанного состояния.",
        uz="Ikkala usul ham holatni oʻqilgan holatdan shartli yangilash bilan oʻzgartirsin.",
        en="Let both change the state by an update that is conditional on the state that was read.",
    ),
    explained_by=(*BY_ALL, "perform-after-cancel", "cancel-result", "perform-result", "race-perform"),
)
_LOST_WHY: Final = Text(
    ru="Соединение оборвалось после запроса: транзакция могла выполниться, и повтор должен это подтвердить.",
    uz="Ulanish soʻrovdan keyin uzildi: tranzaksiya bajarilgan boʻlishi mumkin va takror buni "
    "tasdiqlashi kerak.",
    en="The connection broke after the request: it may have been done, and the repeat must confirm it.",
)
_LOST_MEND: Final = Text(
    ru="Доводите начатое до конца и тогда, когда клиент отключился; на повтор отвечайте сохранённым.",
    uz="Mijoz uzilganda ham boshlangan ishni oxiriga yetkazing; takrorga saqlangan javobni qaytaring.",
    en="Finish what was begun also when the client is gone; answer a repeat with what is stored.",
)
LOST_CREATE: Final[Kind] = kind(
    "lost-create",
    Severity.FAIL,
    _INTERACTION,
    title=Text(
        ru="После потерянного ответа CreateTransaction не повторяется",
        uz="Yoʻqolgan javobdan keyin CreateTransaction takrorlanmaydi",
        en="After a lost answer CreateTransaction cannot be repeated",
    ),
    why=_LOST_WHY,
    mend=_LOST_MEND,
    explained_by=(
        *BY_ALL,
        "cancelled-order-blocked",
        "create-refused",
        "create-repeat-refused",
        "create-repeat-differs",
        "race-same-id",
    ),
)
LOST_PERFORM: Final[Kind] = kind(
    "lost-perform",
    Severity.FAIL,
    _INTERACTION,
    title=Text(
        ru="После потерянного ответа PerformTransaction не повторяется",
        uz="Yoʻqolgan javobdan keyin PerformTransaction takrorlanmaydi",
        en="After a lost answer PerformTransaction cannot be repeated",
    ),
    why=_LOST_WHY,
    mend=_LOST_MEND,
    explained_by=(
        *BY_ALL,
        "perform-refused",
        "perform-repeat-refused",
        "perform-repeat-differs",
        "race-perform",
    ),
)
LOST_CANCEL: Final[Kind] = kind(
    "lost-cancel",
    Severity.FAIL,
    _INTERACTION,
    title=Text(
        ru="После потерянного ответа CancelTransaction не повторяется",
        uz="Yoʻqolgan javobdan keyin CancelTransaction takrorlanmaydi",
        en="After a lost answer CancelTransaction cannot be repeated",
    ),
    why=_LOST_WHY,
    mend=_LOST_MEND,
    explained_by=(*BY_ALL, "cancel-refused", "cancel-repeat-refused", "cancel-repeat-differs"),
)
FISCAL_REFUSED: Final[Kind] = kind(
    "fiscal-refused",
    Severity.FAIL,
    _FISCAL,
    title=Text(
        ru="SetFiscalData не принят",
        uz="SetFiscalData qabul qilinmadi",
        en="SetFiscalData is not accepted",
    ),
    why=Text(
        ru="Фискальный чек приходит после оплаты и после отмены; его хранят для покупателя и налоговой.",
        uz="Fiskal chek toʻlovdan va bekor qilishdan keyin keladi; u xaridor va soliq uchun saqlanadi.",
        en="A fiscal receipt comes after the payment and after a cancel; it is kept for buyer and tax "
        "service.",
    ),
    mend=Text(
        ru='Сохраните данные отдельно для PERFORM и CANCEL и верните {"success": true}, также при повторе.',
        uz='PERFORM va CANCEL uchun alohida saqlang va takrorda ham {"success": true} qaytaring.',
        en='Keep PERFORM and CANCEL apart, and return {"success": true}, at a repeat too.',
    ),
    explained_by=BY_ALL,
)
FISCAL_UNKNOWN: Final[Kind] = kind(
    "fiscal-unknown-code",
    Severity.WARN,
    _FISCAL,
    title=Text(
        ru="SetFiscalData: ошибка отвечена другим кодом",
        uz="SetFiscalData: xatoga boshqa kod bilan javob berildi",
        en="SetFiscalData: an error is answered by another code",
    ),
    why=Text(
        ru="Неизвестный чек отвечают -32001, неверный параметр -32602 с его именем.",
        uz="Nomaʼlum chekka -32001, notoʻgʻri parametrga uning nomi bilan -32602 javob beriladi.",
        en="An unknown receipt is answered -32001, a wrong parameter -32602 with its name.",
    ),
    mend=Text(
        ru="Верните код, который описан для этой ошибки.",
        uz="Shu xato uchun belgilangan kodni qaytaring.",
        en="Answer the code that is documented for the error.",
    ),
    explained_by=(*BY_ALL, "fiscal-refused"),
)
PASSWORD_REFUSED: Final[Kind] = kind(
    "password-refused",
    Severity.FAIL,
    "merchant-api/interaction",
    title=Text(
        ru="ChangePassword не принят",
        uz="ChangePassword qabul qilinmadi",
        en="ChangePassword is not accepted",
    ),
    why=Text(
        ru="Этим методом Payme Business меняет ключ; без него старый ключ останется навсегда.",
        uz="Payme Business kalitni shu usul bilan almashtiradi; usiz eski kalit abadiy qoladi.",
        en="Payme Business changes the key by this method; without it the old key stays for ever.",
    ),
    mend=Text(
        ru='Сохраните новый ключ и верните {"success": true}.',
        uz='Yangi kalitni saqlang va {"success": true} qaytaring.',
        en='Store the new key and return {"success": true}.',
    ),
    explained_by=BY_ALL,
)
PASSWORD_NOT_CHANGED: Final[Kind] = kind(
    "password-not-changed",
    Severity.FAIL,
    "merchant-api/interaction",
    title=Text(
        ru="Новый ключ принят, но не действует",
        uz="Yangi kalit qabul qilindi, lekin ishlamaydi",
        en="The new key was accepted and does not work",
    ),
    why=Text(
        ru="После ChangePassword запросы идут с новым ключом: все платежи остановятся.",
        uz="ChangePassword dan keyin soʻrovlar yangi kalit bilan keladi: barcha toʻlovlar toʻxtaydi.",
        en="After ChangePassword requests carry the new key: all payments stop.",
    ),
    mend=Text(
        ru="Проверяйте запросы по сохранённому новому ключу; старый снимите, когда новый применён впервые.",
        uz="Soʻrovlarni saqlangan yangi kalit bilan tekshiring; yangisi birinchi ishlatilganda eskisini "
        "olib tashlang.",
        en="Check requests by the stored new key; retire the old one when the new one was first used.",
    ),
    explained_by=(*BY_ALL, "authorization-wrong-key-accepted", "authorization-open"),
)
PASSWORD_NOT_PUT_BACK: Final[Kind] = kind(
    "password-not-put-back",
    Severity.FAIL,
    "merchant-api/interaction",
    title=Text(
        ru="Прежний ключ не удалось вернуть",
        uz="Avvalgi kalitni qaytarib boʻlmadi",
        en="The first key could not be put back",
    ),
    why=Text(
        ru="Сервер принял второй ключ и не принимает прежний: сейчас его открывает ваш ключ, "
        "записанный задом наперёд.",
        uz="Server ikkinchi kalitni qabul qildi, avvalgisini esa olmayapti: hozir uni teskari yozilgan "
        "kalitingiz ochadi.",
        en="The server took the second key and does not take the first one again: your key, written "
        "backwards, opens it now.",
    ),
    mend=Text(
        ru="Верните ключ в настройках магазина и проверьте, что ChangePassword можно вызвать дважды подряд.",
        uz="Doʻkon sozlamalarida kalitni tiklang va ChangePassword ni ketma-ket ikki marta chaqirib koʻring.",
        en="Set the key in the shop's settings, and see that ChangePassword can be called twice in a row.",
    ),
    explained_by=BY_ALL,
)
