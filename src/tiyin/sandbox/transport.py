"""What can be wrong below the protocol: the server cannot be talked to at all."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.exchange import Failure
from tiyin.sandbox.problems import Severity, Wrong, kind
from tiyin.sandbox.talk import Reply

__all__ = [
    "ANSWER_NOT_JSON",
    "ENDPOINT_CLOSES",
    "ENDPOINT_ENDLESS",
    "ENDPOINT_NOT_HTTP",
    "ENDPOINT_REDIRECTS",
    "ENDPOINT_SLOW",
    "ENDPOINT_UNREACHABLE",
    "FATAL",
    "HTTP_STATUS",
    "KEEP_ALIVE",
    "NEITHER",
    "problem_of",
]

_PAGE: Final = "merchant-api/interaction"

ENDPOINT_UNREACHABLE: Final = kind(
    "endpoint-unreachable",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="До сервера не достучаться",
        uz="Serverga ulanib boʻlmadi",
        en="The server cannot be reached",
    ),
    why=Text(
        ru="Payme Business не может отправить ни одного запроса: ни один платёж не пройдёт.",
        uz="Payme Business birorta ham soʻrov yubora olmaydi: birorta toʻlov ham oʻtmaydi.",
        en="Payme Business cannot send a single request, so no payment goes through.",
    ),
    mend=Text(
        ru="Проверьте Endpoint URL, порт, сертификат и межсетевой экран; сервер должен быть запущен.",
        uz="Endpoint URL, port, sertifikat va tarmoq ekranini tekshiring; server ishlab turishi kerak.",
        en="Check the Endpoint URL, the port, the certificate and the firewall; the server must be running.",
    ),
)
ENDPOINT_SLOW: Final = kind(
    "endpoint-slow",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Ответ не пришёл вовремя",
        uz="Javob oʻz vaqtida kelmadi",
        en="The answer did not come in time",
    ),
    why=Text(
        ru="Payme Business ждёт ответа ограниченное время; затем платёж повторяется или отменяется.",
        uz="Payme Business javobni cheklangan vaqt kutadi; soʻng toʻlov takrorlanadi yoki bekor qilinadi.",
        en="Payme Business waits for a limited time; after it the call is repeated or the payment cancelled.",
    ),
    mend=Text(
        ru="Отвечайте сразу; долгую работу (письма, чеки, склад) делайте после ответа.",
        uz="Darhol javob bering; uzoq ishlarni (xat, chek, ombor) javobdan keyin bajaring.",
        en="Answer at once; do the long work (mail, receipts, stock) after the answer.",
    ),
)
ENDPOINT_CLOSES: Final = kind(
    "endpoint-closes",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Сервер закрыл соединение, не ответив до конца",
        uz="Server toʻliq javob bermasdan ulanishni yopdi",
        en="The server closed the connection before a whole answer",
    ),
    why=Text(
        ru="Payme Business не узнает, чем кончился запрос, и повторит его.",
        uz="Payme Business soʻrov qanday tugaganini bilmaydi va uni takrorlaydi.",
        en="Payme Business cannot know how the request ended, and repeats it.",
    ),
    mend=Text(
        ru="Ищите падение обработчика в журнале сервера; на любую ошибку нужен ответ -32400.",
        uz="Server jurnalidan ishlov beruvchi xatosini qidiring; har qanday xatoga -32400 javobi kerak.",
        en="Look for a crash in the server's log; any error needs the answer -32400.",
    ),
)
ENDPOINT_NOT_HTTP: Final = kind(
    "endpoint-not-http",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="По этому адресу отвечают не по HTTP",
        uz="Bu manzilda HTTP boʻyicha javob berilmaydi",
        en="What answers at this address is not HTTP",
    ),
    why=Text(
        ru="Merchant API работает по HTTP: другой ответ Payme Business не прочтёт.",
        uz="Merchant API HTTP orqali ishlaydi: boshqa javobni Payme Business oʻqiy olmaydi.",
        en="The Merchant API is spoken over HTTP; Payme Business can read nothing else.",
    ),
    mend=Text(
        ru="Проверьте порт и схему (http или https) в Endpoint URL.",
        uz="Endpoint URL dagi port va sxemani (http yoki https) tekshiring.",
        en="Check the port and the scheme (http or https) of the Endpoint URL.",
    ),
)
ENDPOINT_ENDLESS: Final = kind(
    "endpoint-endless",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Ответ не кончается",
        uz="Javob tugamaydi",
        en="The answer does not end",
    ),
    why=Text(
        ru="Ответ Merchant API занимает несколько строк; бесконечный Payme Business прервёт.",
        uz="Merchant API javobi bir necha satr; cheksiz javobni Payme Business uzib qoʻyadi.",
        en="An answer of the Merchant API is a few lines; Payme Business breaks an endless one off.",
    ),
    mend=Text(
        ru="Ответьте одним JSON-объектом и закончите ответ; GetStatement ограничен запрошенным периодом.",
        uz="Bitta JSON-obyekt qaytaring va javobni yakunlang; GetStatement faqat soʻralgan davr uchun.",
        en="Answer one JSON object and end the answer; GetStatement is bounded by the period asked for.",
    ),
)
ENDPOINT_REDIRECTS: Final = kind(
    "endpoint-redirects",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Сервер перенаправляет на другой адрес",
        uz="Server boshqa manzilga yoʻnaltiradi",
        en="The server redirects to another address",
    ),
    why=Text(
        ru="Запрос приходит на Endpoint URL и никуда больше: перенаправление ответом не считается.",
        uz="Soʻrov faqat Endpoint URL ga keladi: yoʻnaltirish javob hisoblanmaydi.",
        en="Requests go to the Endpoint URL and nowhere else: a redirect is no answer.",
    ),
    mend=Text(
        ru="Укажите конечный адрес: с https, с косой чертой на конце или без неё, без входа на сайт.",
        uz="Yakuniy manzilni koʻrsating: https bilan, oxirida qiya chiziq bilan yoki usiz, saytga kirishsiz.",
        en="Give the final address: with https, with or without the closing slash, without a login page.",
    ),
)
ANSWER_NOT_JSON: Final = kind(
    "answer-not-json",
    Severity.FAIL,
    "merchant-api/response-format",
    title=Text(
        ru="Ответ не является JSON-объектом",
        uz="Javob JSON-obyekt emas",
        en="The answer is not a JSON object",
    ),
    why=Text(
        ru="Ответ читается как JSON-RPC: страницу, пустой ответ или массив Payme Business не поймёт.",
        uz="Javob JSON-RPC sifatida oʻqiladi: sahifa, boʻsh javob yoki massivni Payme Business tushunmaydi.",
        en="Answers are read as JSON-RPC: Payme Business understands no page, empty body or array.",
    ),
    mend=Text(
        ru="Возвращайте объект с result или error; уберите вывод отладки и страницы ошибок.",
        uz="result yoki error bor obyekt qaytaring; otladka chiqishi va xato sahifalarini olib tashlang.",
        en="Return an object with result or error; remove debug output and error pages.",
    ),
)
HTTP_STATUS: Final = kind(
    "http-status",
    Severity.FAIL,
    "merchant-api/response-format",
    title=Text(
        ru="Статус HTTP не 200",
        uz="HTTP holati 200 emas",
        en="The HTTP status is not 200",
    ),
    why=Text(
        ru="Любой ответ Merchant API, и с ошибкой, имеет статус 200; другой читается как сбой сервера.",
        uz="Merchant API ning har bir javobi, xato ham, 200 holatida boʻladi; boshqasi nosozlik sanaladi.",
        en="Every answer of the Merchant API, errors too, has status 200; any other is read as a fault.",
    ),
    mend=Text(
        ru="Верните 200, а ошибку опишите в объекте error.",
        uz="200 qaytaring, xatoni esa error obyektida yozing.",
        en="Return 200 and tell the error in the error object.",
    ),
)
NEITHER: Final = kind(
    "neither-result-nor-error",
    Severity.FAIL,
    "merchant-api/response-format",
    title=Text(
        ru="В ответе нет ни result, ни error",
        uz="Javobda na result, na error bor",
        en="The answer has neither a result nor an error",
    ),
    why=Text(
        ru="Из такого ответа не узнать, прошла операция или отклонена.",
        uz="Bunday javobdan amal bajarilgani yoki rad etilganini bilib boʻlmaydi.",
        en="Such an answer does not tell whether the operation went through or was refused.",
    ),
    mend=Text(
        ru="Верните result при успехе и error при отказе, на верхнем уровне объекта.",
        uz="Muvaffaqiyatda result, rad etishda error qaytaring, obyektning yuqori darajasida.",
        en="Return result on success and error on refusal, at the top of the object.",
    ),
)
KEEP_ALIVE: Final = kind(
    "keep-alive",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Второй запрос по открытому соединению остаётся без ответа",
        uz="Ochiq ulanishdagi ikkinchi soʻrov javobsiz qoladi",
        en="The second request on a kept connection gets no answer",
    ),
    why=Text(
        ru="Сервер обещает держать соединение и рвёт его на следующем запросе: часть платежей теряется.",
        uz="Server ulanishni saqlashga vaʼda berib, keyingi soʻrovda uzadi: baʼzi toʻlovlar yoʻqoladi.",
        en="The server promises to keep the connection and breaks it at the next request: payments get lost.",
    ),
    mend=Text(
        ru="Отвечайте на каждый запрос соединения или закрывайте его с заголовком Connection: close.",
        uz="Ulanishdagi har bir soʻrovga javob bering yoki uni Connection: close sarlavhasi bilan yoping.",
        en="Answer every request of a connection, or close it with the header Connection: close.",
    ),
)

_KIND_OF_FAILURE: Final = {
    Failure.REFUSED_ADDRESS: ENDPOINT_UNREACHABLE,
    Failure.NOT_CONNECTED: ENDPOINT_UNREACHABLE,
    Failure.TLS: ENDPOINT_UNREACHABLE,
    Failure.TIMEOUT: ENDPOINT_SLOW,
    Failure.CLOSED: ENDPOINT_CLOSES,
    Failure.NOT_HTTP: ENDPOINT_NOT_HTTP,
    Failure.TOO_LONG: ENDPOINT_ENDLESS,
}
_OK: Final = 200
_EXPECTED: Final = "HTTP 200, a JSON object"
_REDIRECTS: Final = range(300, 400)

FATAL: Final = frozenset((*_KIND_OF_FAILURE.values(), ENDPOINT_REDIRECTS, ANSWER_NOT_JSON, HTTP_STATUS))
"""Kinds after which nothing can be said of the rest: two checks in a row that end so end the run."""


def problem_of(reply: Reply) -> Wrong | None:
    """Tell why a reply cannot be read as an answer of the protocol, or None if it can.

    Args:
        reply: The reply to a well-formed call whose connection was not cut.
    """
    answer = reply.exchange.answer
    if answer is None:
        return _failed(reply)
    if answer.status in _REDIRECTS:
        to = answer.header("location")
        got = f"HTTP {answer.status}" if to is None else f"HTTP {answer.status} to {to}"
        return Wrong(ENDPOINT_REDIRECTS, expected=_EXPECTED, got=got)
    if reply.body is None:
        if answer.status != _OK:
            return Wrong(HTTP_STATUS, expected=_EXPECTED, got=reply.told())
        return Wrong(ANSWER_NOT_JSON, expected=_EXPECTED, got=_beginning(answer.body))
    if reply.body.get("result") is None and reply.body.get("error") is None:
        return Wrong(NEITHER, expected="result or error", got="neither")
    return None


def _failed(reply: Reply) -> Wrong | None:
    """Tell why there is no whole answer; None where the sandbox itself did not wait for it."""
    failure = reply.exchange.failure or Failure.CLOSED
    known = _KIND_OF_FAILURE.get(failure)
    if known is None:
        return None
    detail = reply.exchange.detail
    return Wrong(known, expected=_EXPECTED, got=f"{failure}: {detail}" if detail else str(failure))


def _beginning(body: bytes) -> str:
    if not body:
        return "HTTP 200, an empty body"
    return f"HTTP 200, {body[:60].decode('utf-8', 'replace').strip()!r}"
