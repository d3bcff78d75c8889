"""What can be wrong or loose in the form of any answer."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.problems import Severity, kind

__all__ = [
    "CONNECTION_CLOSED",
    "CONTENT_TYPE",
    "ERROR_BESIDE_RESULT",
    "ID_DIFFERS",
    "ID_MISSING",
    "MESSAGE_NOT_LOCALIZED",
    "REASON_MISSING",
    "RESULT_AND_ERROR",
    "RESULT_BESIDE_ERROR",
    "TIME_NULL",
    "TRANSACTION_NOT_STRING",
]

_FORMAT: Final = "merchant-api/response-format"
_ERRORS: Final = "merchant-api/errors"

ID_DIFFERS: Final = kind(
    "id-differs",
    Severity.FAIL,
    _FORMAT,
    title=Text(
        ru="В ответе чужой id",
        uz="Javobda boshqa id",
        en="The answer carries another id",
    ),
    why=Text(
        ru="По id ответ находит свой запрос: с чужим id это ответ на другой вопрос.",
        uz="Javob oʻz soʻrovini id orqali topadi: boshqa id bilan u boshqa savolga javob boʻladi.",
        en="An answer finds its request by the id: with another id it answers another question.",
    ),
    mend=Text(
        ru="Верните id запроса без изменений, того же типа.",
        uz="Soʻrovdagi id ni oʻzgartirmasdan, oʻsha turda qaytaring.",
        en="Return the request's id unchanged and of the same type.",
    ),
)
ID_MISSING: Final = kind(
    "id-missing",
    Severity.WARN,
    _FORMAT,
    title=Text(ru="В ответе нет id", uz="Javobda id yoʻq", en="The answer has no id"),
    why=Text(
        ru="id в ответе описан документацией; Payme Business пока обходится без него.",
        uz="Javobdagi id hujjatda koʻrsatilgan; Payme Business hozircha usiz ham ishlaydi.",
        en="The documentation has an id in every answer; Payme Business copes without it so far.",
    ),
    mend=Text(
        ru="Верните id запроса, и в ответах с ошибкой.",
        uz="Soʻrovdagi id ni qaytaring, xatoli javoblarda ham.",
        en="Return the request's id, in errors too.",
    ),
)
ERROR_BESIDE_RESULT: Final = kind(
    "error-beside-result",
    Severity.WARN,
    _FORMAT,
    title=Text(
        ru="Рядом с result стоит error: null",
        uz="result yonida error: null turibdi",
        en="An error that is null stands beside the result",
    ),
    why=Text(
        ru="В ответе есть либо result, либо error; пустой лишний ключ читают не все.",
        uz="Javobda yoki result, yoki error boʻladi; ortiqcha boʻsh kalitni hamma ham oʻqiy olmaydi.",
        en="An answer has a result or an error; not every reader forgives an empty second key.",
    ),
    mend=Text(
        ru="Не пишите ключ error в успешный ответ.",
        uz="Muvaffaqiyatli javobga error kalitini yozmang.",
        en="Leave the key error out of a successful answer.",
    ),
)
RESULT_AND_ERROR: Final = kind(
    "result-and-error",
    Severity.FAIL,
    _FORMAT,
    title=Text(
        ru="В ответе и result, и error",
        uz="Javobda ham result, ham error bor",
        en="The answer has both a result and an error",
    ),
    why=Text(
        ru="Нельзя понять, прошла ли операция: деньги могут быть списаны за отменённый заказ.",
        uz="Amal bajarilganini bilib boʻlmaydi: bekor qilingan buyurtma uchun pul yechilishi mumkin.",
        en="Nobody can tell whether the operation went through; money may be taken for a refused order.",
    ),
    mend=Text(
        ru="Верните что-то одно.",
        uz="Faqat bittasini qaytaring.",
        en="Return one of them.",
    ),
)
RESULT_BESIDE_ERROR: Final = kind(
    "result-beside-error",
    Severity.WARN,
    _FORMAT,
    title=Text(
        ru="Рядом с error стоит result: null",
        uz="error yonida result: null turibdi",
        en="A result that is null stands beside the error",
    ),
    why=Text(
        ru="В ответе есть либо result, либо error; пустой лишний ключ читают не все.",
        uz="Javobda yoki result, yoki error boʻladi; ortiqcha boʻsh kalitni hamma ham oʻqiy olmaydi.",
        en="An answer has a result or an error; not every reader forgives an empty second key.",
    ),
    mend=Text(
        ru="Не пишите ключ result в ответ с ошибкой.",
        uz="Xatoli javobga result kalitini yozmang.",
        en="Leave the key result out of an error.",
    ),
)
MESSAGE_NOT_LOCALIZED: Final = kind(
    "message-not-localized",
    Severity.WARN,
    _ERRORS,
    title=Text(
        ru="Сообщение ошибки не на трёх языках",
        uz="Xato xabari uch tilda emas",
        en="The error's message is not in three languages",
    ),
    why=Text(
        ru="Сообщение показывают плательщику на его языке.",
        uz="Xabar toʻlovchiga uning tilida koʻrsatiladi.",
        en="The message is shown to the payer in the payer's language.",
    ),
    mend=Text(
        ru='Верните объект {"ru": ..., "uz": ..., "en": ...}.',
        uz='{"ru": ..., "uz": ..., "en": ...} obyektini qaytaring.',
        en='Return an object {"ru": ..., "uz": ..., "en": ...}.',
    ),
)
CONTENT_TYPE: Final = kind(
    "content-type",
    Severity.WARN,
    _FORMAT,
    title=Text(
        ru="Content-Type ответа не JSON",
        uz="Javobning Content-Type turi JSON emas",
        en="The answer's Content-Type is not JSON",
    ),
    why=Text(
        ru="По типу содержимого решают, как читать ответ; сегодня его читают и так.",
        uz="Javobni qanday oʻqish mazmun turiga qarab hal qilinadi; hozircha shundoq ham oʻqiladi.",
        en="The content type says how to read an answer; today it is read all the same.",
    ),
    mend=Text(
        ru="Отвечайте с Content-Type: application/json; charset=UTF-8.",
        uz="Content-Type: application/json; charset=UTF-8 bilan javob bering.",
        en="Answer with Content-Type: application/json; charset=UTF-8.",
    ),
)
TRANSACTION_NOT_STRING: Final = kind(
    "transaction-not-string",
    Severity.WARN,
    "merchant-api/CreateTransaction",
    title=Text(
        ru="transaction — число, а не строка",
        uz="transaction — satr emas, son",
        en="transaction is a number, not a string",
    ),
    why=Text(
        ru="Номер транзакции мерчанта описан строкой; большое число может исказиться.",
        uz="Merchant tranzaksiyasi raqami satr deb belgilangan; katta son buzilishi mumkin.",
        en="The merchant's number of a transaction is a string; a large number may lose digits.",
    ),
    mend=Text(
        ru='Верните строку: "transaction": "5123".',
        uz='Satr qaytaring: "transaction": "5123".',
        en='Return a string: "transaction": "5123".',
    ),
)
TIME_NULL: Final = kind(
    "time-null",
    Severity.WARN,
    "merchant-api/CheckTransaction",
    title=Text(
        ru="Ненаступившее время не равно 0",
        uz="Hali kelmagan vaqt 0 ga teng emas",
        en="A time that has not come is not 0",
    ),
    why=Text(
        ru="Времени, которого ещё не было, соответствует 0, и ключ есть всегда.",
        uz="Hali boʻlmagan vaqt uchun 0 yoziladi va kalit doim boʻladi.",
        en="A time that has not come is 0, and its key is always there.",
    ),
    mend=Text(
        ru="Верните perform_time и cancel_time всегда; пока их нет, 0.",
        uz="perform_time va cancel_time ni doim qaytaring; hali yoʻq boʻlsa, 0.",
        en="Always return perform_time and cancel_time; 0 while they have not come.",
    ),
)
REASON_MISSING: Final = kind(
    "reason-missing",
    Severity.WARN,
    "merchant-api/CheckTransaction",
    title=Text(
        ru="Нет ключа reason",
        uz="reason kaliti yoʻq",
        en="The key reason is missing",
    ),
    why=Text(
        ru="Причина отмены описана в каждом ответе; пока отмены нет, она null.",
        uz="Bekor qilish sababi har bir javobda boʻladi; bekor qilinmagan boʻlsa, u null.",
        en="The reason of cancelling is part of every answer; null while nothing is cancelled.",
    ),
    mend=Text(
        ru='Верните "reason": null.',
        uz='"reason": null qaytaring.',
        en='Return "reason": null.',
    ),
)
CONNECTION_CLOSED: Final = kind(
    "connection-closed",
    Severity.WARN,
    "merchant-api/interaction",
    title=Text(
        ru="Сервер закрывает соединение после каждого ответа",
        uz="Server har bir javobdan keyin ulanishni yopadi",
        en="The server closes the connection after each answer",
    ),
    why=Text(
        ru="Так можно, но каждый запрос заново тратит время на соединение и TLS.",
        uz="Bunday qilish mumkin, lekin har bir soʻrov ulanish va TLS uchun qayta vaqt sarflaydi.",
        en="It may, but then every request spends time on a connection and TLS again.",
    ),
    mend=Text(
        ru="Включите keep-alive на сервере или прокси.",
        uz="Serverda yoki proksida keep-alive ni yoqing.",
        en="Switch keep-alive on at the server or the proxy.",
    ),
)
