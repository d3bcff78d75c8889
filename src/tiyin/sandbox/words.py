"""The fixed words of reports, in three languages; what a check says for itself stands beside the check."""

from typing import Final

from tiyin.protocol.values import Language, Text
from tiyin.sandbox.exchange import Failure
from tiyin.sandbox.findings import Report, Verdict

__all__ = ["FAILURES", "KINDS_OF_ACCOUNT", "VERDICTS", "WORDS", "last_word", "say", "summary", "took"]

VERDICTS: Final[dict[Verdict, Text]] = {
    Verdict.FAIL: Text(ru="ошибка", uz="xato", en="failed"),
    Verdict.WARN: Text(ru="предупреждение", uz="ogohlantirish", en="warning"),
    Verdict.PASS: Text(ru="пройдено", uz="oʻtdi", en="passed"),
    Verdict.SKIPPED: Text(ru="пропущено", uz="oʻtkazib yuborildi", en="skipped"),
}

KINDS_OF_ACCOUNT: Final[dict[str, Text]] = {
    "one-time": Text(ru="одноразовый", uz="bir martalik", en="one-time"),
    "accumulating": Text(ru="накопительный", uz="jamgʻariladigan", en="accumulating"),
}

FAILURES: Final[dict[Failure, Text]] = {
    Failure.REFUSED_ADDRESS: Text(
        ru="этот адрес нельзя вызвать",
        uz="bu manzilni chaqirib boʻlmaydi",
        en="this address cannot be called",
    ),
    Failure.NOT_CONNECTED: Text(
        ru="соединение не установлено", uz="ulanish oʻrnatilmadi", en="no connection could be made"
    ),
    Failure.TLS: Text(
        ru="защищённое соединение не установлено",
        uz="himoyalangan ulanish oʻrnatilmadi",
        en="no secure connection could be made",
    ),
    Failure.TIMEOUT: Text(ru="нет ответа вовремя", uz="javob vaqtida kelmadi", en="no answer in time"),
    Failure.CLOSED: Text(
        ru="соединение закрыто до конца ответа",
        uz="javob tugamasdan ulanish yopildi",
        en="the connection was closed before a whole answer",
    ),
    Failure.NOT_HTTP: Text(ru="ответ не HTTP", uz="javob HTTP emas", en="the answer is not HTTP"),
    Failure.TOO_LONG: Text(ru="ответ слишком длинный", uz="javob juda uzun", en="the answer is too long"),
    Failure.CUT: Text(
        ru="песочница сама оборвала соединение, чтобы потерять ответ",
        uz="javob yoʻqolishi uchun ulanishni sinov muhitining oʻzi uzdi",
        en="the sandbox itself cut the connection, to lose the answer",
    ),
}

WORDS: Final[dict[str, Text]] = {
    "report": Text(ru="Отчёт песочницы", uz="Sinov muhiti hisoboti", en="Sandbox report"),
    "endpoint": Text(ru="Адрес", uz="Manzil", en="Endpoint"),
    "kind": Text(ru="Вид счёта", uz="Hisob turi", en="Kind of account"),
    "started": Text(ru="Начало (Ташкент)", uz="Boshlandi (Toshkent)", en="Started (Tashkent)"),
    "took": Text(ru="Длительность", uz="Davomiyligi", en="Took"),
    "problems": Text(ru="Что исправить", uz="Nimani tuzatish kerak", en="What to mend"),
    "warnings": Text(ru="Предупреждения", uz="Ogohlantirishlar", en="Warnings"),
    "all_checks": Text(ru="Все проверки", uz="Barcha tekshiruvlar", en="All checks"),
    "no_checks": Text(
        ru="Ни одной проверки не было.", uz="Birorta ham tekshiruv boʻlmadi.", en="No check was made."
    ),
    "check": Text(ru="Проверка", uz="Tekshiruv", en="Check"),
    "expected": Text(ru="Ожидалось", uz="Kutilgan", en="Expected"),
    "got": Text(ru="Получено", uz="Olingan", en="Got"),
    "why": Text(ru="Почему это важно", uz="Nega bu muhim", en="Why it matters"),
    "mend": Text(ru="Что сделать", uz="Nima qilish kerak", en="What to do"),
    "page": Text(ru="Документация", uz="Hujjat", en="Documentation"),
    "reason": Text(ru="Причина", uz="Sabab", en="Reason"),
    "caused_by": Text(ru="следствие", uz="oqibati", en="caused by"),
    "consequences": Text(ru="Следствия этого", uz="Buning oqibatlari", en="Caused by this"),
    "exchanges": Text(ru="Запросы и ответы", uz="Soʻrovlar va javoblar", en="Requests and answers"),
    "exchange": Text(ru="Обмен", uz="Almashinuv", en="Exchange"),
    "request": Text(ru="Запрос", uz="Soʻrov", en="Request"),
    "answer": Text(ru="Ответ", uz="Javob", en="Answer"),
    "no_answer": Text(ru="Ответа нет", uz="Javob yoʻq", en="No answer"),
    "empty_body": Text(ru="(пустое тело)", uz="(boʻsh tana)", en="(empty body)"),
    "curl": Text(ru="Повторить: curl", uz="Takrorlash: curl", en="Repeat: curl"),
    "curl_key": Text(
        ru="В $KEY положите ключ песочницы.",
        uz="$KEY ga sinov muhiti kalitini joylang.",
        en="Put the sandbox key into $KEY.",
    ),
    "headers": Text(ru="Заголовки", uz="Sarlavhalar", en="Headers"),
    "more_bytes": Text(ru="байт ещё", uz="bayt yana", en="more bytes"),
    "ms": Text(ru="мс", uz="ms", en="ms"),
    "seconds": Text(ru="с", uz="s", en="s"),
    "by": Text(
        ru="Сделано Tiyin, песочницей для Merchant API.",
        uz="Tiyin, Merchant API sinov muhiti tomonidan tuzilgan.",
        en="Made by Tiyin, a sandbox for the Merchant API.",
    ),
    "passed_all": Text(ru="Всё в порядке", uz="Hammasi joyida", en="All is well"),
    "passed_warned": Text(
        ru="Пройдено, есть предупреждения", uz="Oʻtdi, ogohlantirishlar bor", en="Passed, with warnings"
    ),
    "failed": Text(ru="Есть ошибки", uz="Xatolar bor", en="There are errors"),
    "nothing": Text(ru="Ничего не проверено", uz="Hech narsa tekshirilmadi", en="Nothing was checked"),
}

_NEXT: Final[dict[str, Text]] = {
    "failed": Text(
        ru="Исправьте первую ошибку, «{first}», и запустите снова: остальные могут быть её следствием.",
        uz="Avval «{first}» xatosini tuzating va qayta ishga tushiring: qolganlari shundan boʻlishi mumkin.",
        en="Mend the first one, “{first}”, and run again: others may follow from it.",
    ),
    "warned": Text(
        ru="Платежи будут проходить. Уберите предупреждения, чтобы ответы совпадали с документацией.",
        uz="Toʻlovlar oʻtadi. Javoblar hujjatga mos boʻlishi uchun ogohlantirishlarni bartaraf eting.",
        en="Payments will work. Mend the warnings so that the answers are as documented.",
    ),
    "skipped": Text(
        ru="Ошибок нет, но не всё проверено: у каждой пропущенной проверки указана причина.",
        uz="Xato yoʻq, lekin hammasi tekshirilmadi: har bir oʻtkazib yuborilgan tekshiruvda sababi aytilgan.",
        en="No errors, but not everything was checked: each skipped check says why.",
    ),
    "passed": Text(
        ru="Сервер отвечает так, как требует документация. Можно подключать кассу.",
        uz="Server hujjat talab qilganidek javob beradi. Kassani ulash mumkin.",
        en="The server answers as the documentation demands. The cash desk can be connected.",
    ),
    "nothing": Text(
        ru="Ни одна проверка не прошла до конца: посмотрите причины пропусков.",
        uz="Birorta tekshiruv oxiriga yetmadi: oʻtkazib yuborish sabablarini koʻring.",
        en="No check came to an end: look at the reasons why they were skipped.",
    ),
}


def say(word: str, language: Language) -> str:
    """Return one of the fixed words.

    Args:
        word: Its name in `WORDS`.
        language: In which language.
    """
    return WORDS[word].in_language(language)


def took(took_ms: float, language: Language) -> str:
    """Say how long something took: `12 ms`, `3.4 s`.

    Args:
        took_ms: How long, in milliseconds.
        language: In which language.
    """
    if took_ms < 1000:
        return f"{took_ms:.0f} {say('ms', language)}"
    told = f"{took_ms / 1000:.1f}"
    return f"{told if language == 'en' else told.replace('.', ',')} {say('seconds', language)}"


def summary(report: Report) -> str:
    """Name how a run ended: `failed`, `nothing`, `passed_warned` or `passed_all`, a word of `WORDS`.

    Args:
        report: The run.
    """
    if not report.passed:
        return "failed"
    if not report.count(Verdict.PASS) + report.count(Verdict.WARN):
        return "nothing"
    return "passed_warned" if report.count(Verdict.WARN) else "passed_all"


def last_word(report: Report, language: Language) -> str:
    """Say what to do next.

    Args:
        report: The run.
        language: In which language.
    """
    ended = summary(report)
    if ended == "failed":
        failed = [one for one in report.findings if one.verdict is Verdict.FAIL]
        first = next((one for one in failed if one.caused_by is None), failed[0])
        title = first.title if first.problem is None else first.problem.kind.title
        return (
            _NEXT["failed"].in_language(language).replace("{first}", title.in_language(language).rstrip("."))
        )
    if ended == "passed_all":
        ended = "skipped" if report.count(Verdict.SKIPPED) else "passed"
    return _NEXT["warned" if ended == "passed_warned" else ended].in_language(language)
