"""All lines go through one chain, in one form, and no card or secret passes it."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
import uvicorn

from tiyin.runtime.logs import configure_logs, get_logger, log_context
from tiyin.runtime.settings import Secret

CARD = "8600069195406311"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Give the process's logging back as it was."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def as_json(level: str = "INFO") -> io.StringIO:
    out = io.StringIO()
    configure_logs("json", level, stream=out)
    return out


def test_a_line_of_ours_is_one_json_object() -> None:
    out = as_json()
    get_logger("tiyin.receipts").info("receipt_paid", receipt="5e730e8e0b852a417aa49ceb", amount_tiyin=500000)
    (line,) = lines(out)
    assert line.pop("timestamp")
    assert line == {
        "event": "receipt_paid",
        "receipt": "5e730e8e0b852a417aa49ceb",
        "amount_tiyin": 500000,
        "level": "info",
        "logger": "tiyin.receipts",
    }


def test_other_libraries_lines_look_the_same() -> None:
    out = as_json()
    logging.getLogger("somebody").warning("paid by %s with %s", CARD, "token=abcdef")
    (line,) = lines(out)
    assert line["event"] == "paid by 860006******6311 with token=[hidden]"
    assert (line["level"], line["logger"]) == ("warning", "somebody")


def test_uvicorns_lines_go_the_same_way() -> None:
    """Also when uvicorn had set its own handlers before."""
    uvicorn.Config(app="x:y").configure_logging()
    out = as_json()
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", f"/x?card={CARD}&key=secret", "1.1", 200
    )
    logging.getLogger("uvicorn.error").info("Started")
    access, started = lines(out)
    assert access["event"] == '127.0.0.1:5 - "GET /x?card=860006******6311&key=[hidden] HTTP/1.1" 200'
    assert started["event"] == "Started"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("logger", [get_logger("tiyin.x"), logging.getLogger("other")])
def test_an_exception_is_shown_without_its_card_and_its_variables(form: str, logger: logging.Logger) -> None:
    out = io.StringIO()
    configure_logs("json" if form == "json" else "console", stream=out)

    def charge() -> None:
        local_variable = "kept in the frame"
        raise ValueError(f"card {CARD} of {local_variable[:4]}")

    try:
        try:
            charge()
        except ValueError as inner:
            raise RuntimeError('{"password": "hunter2"}') from inner
    except RuntimeError:
        logger.exception("failed")
    text = out.getvalue()
    assert "RuntimeError" in text
    assert "860006******6311" in text
    for secret in (CARD, "hunter2", "kept in the frame"):
        assert secret not in text


def test_context_is_on_every_line_and_stays_in_its_task() -> None:
    out = as_json()

    async def request(name: str) -> None:
        with log_context(request_id=name):
            await asyncio.sleep(0)
            get_logger("tiyin.a").info("mine")
            logging.getLogger("b").info("theirs")

    async def both() -> None:
        await asyncio.gather(request("r1"), request("r2"))
        get_logger("tiyin.a").info("after")

    asyncio.run(both())
    told = [(line["event"], line.get("request_id")) for line in lines(out)]
    assert sorted(told[:4]) == [("mine", "r1"), ("mine", "r2"), ("theirs", "r1"), ("theirs", "r2")]
    assert told[4] == ("after", None)


def test_fields_are_redacted_by_name_and_content() -> None:
    out = as_json()
    get_logger("tiyin.a").info(
        "called",
        token="abc",
        note=f"card {CARD}",
        body=b'{"key":"abc"}',
        nested={"authorization": "Basic x", "secret": Secret("hunter2")},
        thing=Secret("hunter2"),
    )
    (line,) = lines(out)
    assert line["token"] == "[hidden]"
    assert line["note"] == "card 860006******6311"
    assert line["body"] == '{"key":"[hidden]"}'
    assert line["nested"] == {"authorization": "[hidden]", "secret": "[hidden]"}
    assert line["thing"] == "Secret([hidden])"


def test_a_line_that_cannot_be_made_is_told_without_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    out = as_json()
    logging.getLogger("somebody").warning("%d", CARD)
    (line,) = lines(out)
    assert (line["event"], line["logger"], line["error"]) == ("log_line_lost", "somebody", "TypeError")
    assert CARD not in out.getvalue() + capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "console"])
def test_characters_that_cannot_be_written_do_not_lose_the_line(form: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="cp1251", write_through=True)
    configure_logs("json" if form == "json" else "console", stream=out)
    get_logger("tiyin.a").info("half", pair="\ud800", word="сумма", oquv="oʻquv")
    assert "сумма" in raw.getvalue().decode("cp1251") or "\\u0441" in raw.getvalue().decode("cp1251")
    assert b"half" in raw.getvalue()
    assert b"log_line_lost" not in raw.getvalue()


def test_levels_are_kept() -> None:
    out = as_json("WARNING")
    get_logger("tiyin.a").info("quiet")
    get_logger("tiyin.a").warning("loud")
    assert [line["event"] for line in lines(out)] == ["loud"]
    with pytest.raises(ValueError, match="LOUD"):
        configure_logs(level="LOUD")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="colour on Windows needs another library")
def test_colour_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = []
    for out in (io.StringIO(), Terminal()):
        configure_logs("console", stream=out)
        get_logger("tiyin.a").info("hello", a=1)
        shown.append("\x1b[" in out.getvalue())
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    configure_logs("console", stream=out)
    get_logger("tiyin.a").info("hello", a=1)
    assert [*shown, "\x1b[" in out.getvalue()] == [False, True, False]


def test_configuring_again_does_not_double_the_lines() -> None:
    as_json()
    out = as_json()
    get_logger("tiyin.a").info("once")
    assert len(lines(out)) == 1


def test_in_somebody_elses_logging_our_lines_are_readable_and_redacted() -> None:
    """The kit inside a shop: no `configure_logs`, a plain handler, the shop's own structlog untouched."""
    before = structlog.get_config()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger("tiyin.kit")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    try:
        get_logger("tiyin.kit").info("order_paid", order="7", card=CARD)
    finally:
        logger.removeHandler(handler)
        logger.setLevel("NOTSET")
    assert out.getvalue().startswith("order_paid order='7' card='860006******6311'")
    assert structlog.get_config() == before
