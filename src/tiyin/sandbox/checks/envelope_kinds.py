"""What can be wrong in how requests are read."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import BY_TRANSPORT
from tiyin.sandbox.problems import Kind, Severity, kind

__all__ = [
    "BROKEN_JSON",
    "CONTENT_TYPE_REFUSED",
    "ENVELOPE",
    "HTTP_GET",
    "ID_REFUSED",
    "ID_TYPE",
    "JSONRPC_REQUIRED",
    "TYPES",
    "TYPES_CODE",
    "UNKNOWN_METHOD",
    "UNKNOWN_METHOD_DATA",
]

_ERRORS: Final = "merchant-api/common-errors"
_REQUEST: Final = "merchant-api/request-format"
_BROAD: Final = ("authorization-right-refused", *BY_TRANSPORT)
_WHY: Final = Text(
    ru="Каждый общий код означает одну ошибку; песочница Payme Business ждёт именно его.",
    uz="Har bir umumiy kod bitta xatoni bildiradi; Payme Business sinov muhiti aynan uni kutadi.",
    en="Each common code stands for one error, and the sandbox of Payme Business waits for that very one.",
)
_WHY_SERVED: Final = Text(
    ru="Запрос соответствует документации: если он не обслужен, платёж не пройдёт.",
    uz="Soʻrov hujjatga mos: unga xizmat koʻrsatilmasa, toʻlov oʻtmaydi.",
    en="The request is as the documentation has it; where it is not served no payment goes through.",
)


def _kind(
    code: str,
    title: Text,
    mend: Text,
    *explained_by: str,
    severity: Severity = Severity.FAIL,
    page: str = _ERRORS,
    why: Text = _WHY,
) -> Kind:
    return kind(code, severity, page, title=title, why=why, mend=mend, explained_by=(*explained_by, *_BROAD))


HTTP_GET: Final = _kind(
    "http-get-accepted",
    Text(
        ru="Запрос не методом POST не отклонён кодом -32300",
        uz="POST boʻlmagan soʻrov -32300 kodi bilan rad etilmadi",
        en="A request other than POST is not refused with -32300",
    ),
    Text(
        ru="На GET, PUT, DELETE верните HTTP 200 и error.code -32300; маршрут должен принимать любой метод.",
        uz="GET, PUT, DELETE ga HTTP 200 va error.code -32300 qaytaring; yoʻl har qanday usulni qabul "
        "qilsin.",
        en="Answer GET, PUT, DELETE with HTTP 200 and error.code -32300; the route must take any method.",
    ),
)
BROKEN_JSON: Final = _kind(
    "broken-json-code",
    Text(
        ru="Испорченный JSON отклонён не кодом -32700",
        uz="Buzilgan JSON -32700 kodi bilan rad etilmadi",
        en="Broken JSON is refused with something other than -32700",
    ),
    Text(
        ru="Разберите тело сами и на ошибку разбора верните HTTP 200 и -32700.",
        uz="Tanani oʻzingiz oʻqing va oʻqish xatosiga HTTP 200 va -32700 qaytaring.",
        en="Parse the body yourself, and answer an error of parsing with HTTP 200 and -32700.",
    ),
)
ENVELOPE: Final = _kind(
    "envelope-code",
    Text(
        ru="Запрос без обязательных полей отклонён не кодом -32600",
        uz="Majburiy maydonlarsiz soʻrov -32600 kodi bilan rad etilmadi",
        en="A request without its required fields is refused with something other than -32600",
    ),
    Text(
        ru="Проверьте, что запрос объект, method строка, params объект; иначе верните -32600.",
        uz="Soʻrov obyekt, method satr, params obyekt ekanini tekshiring; aks holda -32600 qaytaring.",
        en="See that the request is an object, method a string, params an object; else return -32600.",
    ),
)
ID_TYPE: Final = _kind(
    "id-type-accepted",
    Text(
        ru="id неверного типа не отклонён кодом -32600",
        uz="Notoʻgʻri turdagi id -32600 kodi bilan rad etilmadi",
        en="An id of a wrong type is not refused with -32600",
    ),
    Text(
        ru="id целое число; на логическое, дробное, массив и объект верните -32600.",
        uz="id butun son; mantiqiy, kasr, massiv va obyektga -32600 qaytaring.",
        en="id is an integer; return -32600 for a boolean, a fraction, an array, an object.",
    ),
    "envelope-code",
    severity=Severity.WARN,
    page=_REQUEST,
)
ID_REFUSED: Final = _kind(
    "id-kind-refused",
    Text(
        ru="Запрос со строковым id или без него не обслужен",
        uz="Satrli id yoki idsiz soʻrovga xizmat koʻrsatilmadi",
        en="A request with a string for an id, or with none, is not served",
    ),
    Text(
        ru="id нужен только для ответа: верните его как пришёл.",
        uz="id faqat javob uchun kerak: kelganidek qaytaring.",
        en="The id is there for the answer only: return it as it came.",
    ),
    "check-refuses-good",
    "allow-missing",
    severity=Severity.WARN,
    page=_REQUEST,
)
JSONRPC_REQUIRED: Final = _kind(
    "jsonrpc-required",
    Text(
        ru="Запрос без поля jsonrpc не обслужен",
        uz="jsonrpc maydonisiz soʻrovga xizmat koʻrsatilmadi",
        en="A request without jsonrpc is not served",
    ),
    Text(
        ru="В запросе документации есть только method, params и id; не требуйте jsonrpc.",
        uz="Hujjatdagi soʻrovda faqat method, params va id bor; jsonrpc ni talab qilmang.",
        en="The documentation's request has method, params and id only; do not ask for jsonrpc.",
    ),
    "check-refuses-good",
    "allow-missing",
    page=_REQUEST,
    why=_WHY_SERVED,
)
CONTENT_TYPE_REFUSED: Final = _kind(
    "content-type-refused",
    Text(
        ru="Запрос с Content-Type: text/json не обслужен",
        uz="Content-Type: text/json soʻroviga xizmat koʻrsatilmadi",
        en="A request with Content-Type: text/json is not served",
    ),
    Text(
        ru="Читайте тело как JSON при любом Content-Type: Payme Business шлёт и text/json, и "
        "application/json.",
        uz="Tanani har qanday Content-Type da JSON deb oʻqing: text/json ham, application/json ham keladi.",
        en="Read the body as JSON whatever its Content-Type: text/json comes as well as application/json.",
    ),
    "check-refuses-good",
    "allow-missing",
    page=_REQUEST,
    why=_WHY_SERVED,
)
UNKNOWN_METHOD: Final = _kind(
    "unknown-method-code",
    Text(
        ru="Неизвестный метод отклонён не кодом -32601",
        uz="Nomaʼlum usul -32601 kodi bilan rad etilmadi",
        en="An unknown method is refused with something other than -32601",
    ),
    Text(
        ru="Сравните method со списком своих методов; если его там нет, верните -32601.",
        uz="method ni oʻz usullaringiz roʻyxati bilan solishtiring; unda boʻlmasa, -32601 qaytaring.",
        en="Compare method with the list of yours; return -32601 where it is not in it.",
    ),
)
UNKNOWN_METHOD_DATA: Final = _kind(
    "unknown-method-data",
    Text(
        ru="data не содержит имя неизвестного метода",
        uz="data da nomaʼlum usul nomi yoʻq",
        en="data does not hold the unknown method's name",
    ),
    Text(
        ru="С кодом -32601 верните в error.data имя метода из запроса.",
        uz="-32601 kodi bilan error.data da soʻrovdagi usul nomini qaytaring.",
        en="With -32601 return in error.data the method's name from the request.",
    ),
    "unknown-method-code",
    severity=Severity.WARN,
    why=Text(
        ru="По имени в поле data видно, какого метода серверу не хватает.",
        uz="data maydonidagi nomdan serverga qaysi usul yetishmayotgani koʻrinadi.",
        en="The name in data shows which method the server lacks.",
    ),
)
TYPES: Final = _kind(
    "types-accepted",
    Text(
        ru="Параметры неверного типа приняты",
        uz="Notoʻgʻri turdagi parametrlar qabul qilindi",
        en="Parameters of a wrong type are accepted",
    ),
    Text(
        ru="Проверьте типы: amount и time числа, id строка, account объект; иначе верните -32600.",
        uz="Turlarni tekshiring: amount va time son, id satr, account obyekt; aks holda -32600 qaytaring.",
        en="Look at the types: amount and time numbers, id a string, account an object; else return -32600.",
    ),
    why=Text(
        ru="Неверно прочитанное значение станет другой суммой или другим заказом.",
        uz="Notoʻgʻri oʻqilgan qiymat boshqa summa yoki boshqa buyurtmaga aylanadi.",
        en="A value that is read wrongly becomes another amount or another order.",
    ),
)
TYPES_CODE: Final = _kind(
    "types-code",
    Text(
        ru="Параметр неверного типа отклонён не кодом -32600",
        uz="Notoʻgʻri turdagi parametr -32600 kodi bilan rad etilmadi",
        en="A parameter of a wrong type is refused with something other than -32600",
    ),
    TYPES.mend,
    "types-accepted",
    "envelope-code",
    "internal-error-on-bad-input",
    "amount-code",
    "account-code",
    "unknown-transaction-code",
    "create-refused",
    severity=Severity.WARN,
)
