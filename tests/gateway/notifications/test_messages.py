"""What messages say, and that the log never tells a code where it must not."""

import logging

import pytest

from tiyin.gateway.notifications.port import LogMessages, SendingFailed, mask_phone
from tiyin.gateway.notifications.texts import code_text
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.runtime.logs import get_logger

PHONE = "998901234531"
CODE = "482913"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_stands_first(language: Language) -> None:
    text = code_text(language, code=CODE, last="6311", name="Online Shop")
    assert text.startswith(f"{CODE} ")
    assert "*6311" in text
    assert "Online Shop" in text
    assert len(text) < 160


def test_a_shops_name_cannot_break_the_message() -> None:
    text = code_text("ru", code=CODE, last="6311", name="{code} {0} " + "x" * 100)
    assert "{code} {0} " in text
    assert "x" * 41 not in text


@pytest.mark.parametrize(
    ("phone", "shown"),
    [(PHONE, "99890*****31"), ("99890123", "99890*23"), ("9989012", "*******"), ("12", "**"), ("", "")],
)
def test_phones_are_masked(phone: str, shown: str) -> None:
    assert shown == mask_phone(phone)


async def test_without_a_provider_nothing_is_sent_and_no_code_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    get_logger("tiyin.messages")
    text = code_text("en", code=CODE, last="6311", name="Shop")
    with caplog.at_level(logging.DEBUG), pytest.raises(SendingFailed):
        await LogMessages().send_sms(PHONE, text)
    assert "sms_not_sent" in caplog.text
    assert "masked" in caplog.text
    assert "99890*****31" in caplog.text
    for secret in (CODE, PHONE):
        assert secret not in caplog.text


async def test_on_a_laptop_the_text_may_be_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await LogMessages(show=True).send_sms(PHONE, f"{CODE} is the code")
    assert CODE in caplog.text
    assert PHONE not in caplog.text
