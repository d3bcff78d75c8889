"""The tree of errors: every documented code has a meaning, and errors travel between processes whole."""

import pickle

import pytest

from tiyin.merchant.subscribe import errors
from tiyin.merchant.subscribe.errors import SubscribeError, error_of
from tiyin.protocol.codes import COMMON_ERRORS, SUBSCRIBE_ERRORS


def made(code: int, message: object = None, data: object = None) -> SubscribeError:
    return error_of(code, message, data, method="receipts.pay", request_id=7, outcome_unknown=False)


@pytest.mark.parametrize("code", sorted({*COMMON_ERRORS, *SUBSCRIBE_ERRORS}))
def test_every_code_has_a_kind_and_words(code: int) -> None:
    error = made(int(code))
    assert type(error) is not SubscribeError
    assert error.text.uz
    assert str(code) in str(error)
    assert str(code) in (errors.__doc__ or "") or code in (-31623, -31624, -32601)


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        (-31300, "CardWrong CardRefused"),
        (-31301, "SmsNotConnected CardRefused"),
        (-31400, "CardNotFound CardRefused"),
        (-32500, "CardNotFound CardRefused"),
        (-31900, "CardUnsupported CardRefused"),
        (-31901, "CardUnsupported CardRefused"),
        (-31101, "CodeExpired CodeRefused"),
        (-31102, "CodeTriesExceeded CodeRefused"),
        (-31103, "CodeWrong CodeRefused"),
        (-31110, "CodeNotSent CodeRefused"),
        (-31302, "BalanceUnknown PaymentRefused"),
        (-31303, "InsufficientFunds PaymentRefused"),
        (-31630, "CardDeclined PaymentRefused"),
        (-31640, "DebitFailed PaymentRefused"),
        (-31602, "ReceiptNotFound ReceiptNotPayable"),
        (-31610, "WrongField ReceiptNotPayable"),
        (-31611, "AmountNotAllowed ReceiptNotPayable"),
        (-31612, "AmountNotAllowed ReceiptNotPayable"),
        (-32504, "AccessDenied"),
        (-31601, "DeskNotServed AccessDenied"),
        (-31620, "Unavailable"),
        (-32400, "Unavailable"),
        (-32602, "WrongRequest"),
        (-39999, ""),
    ],
)
def test_kinds(code: int, kinds: str) -> None:
    names = [kind.__name__ for kind in type(made(code)).__mro__]
    assert names[: names.index("SubscribeError")] == kinds.split()


def test_words() -> None:
    assert "(request 7)" in str(made(-31610, "Заказ не найден", "order_id"))
    assert made(-31610, {"ru": "Заказ не найден", "uz": "Topilmadi"}).message == "Заказ не найден"
    # The shop's own words for its account, ours for the rest.
    assert made(-31610, "Заказ не найден").text.en == "Заказ не найден"
    assert made(-31303, "?").text.en.startswith("Insufficient funds")
    assert made(-39999).message == "refused without a message"
    assert errors.AnswerLost("x").text.en.startswith("Payme is temporarily unavailable")
    assert "8600069195406311" not in str(made(-31300, "8600 0691 9540 6311", "8600069195406311"))
    assert len(str(made(-31300, "x" * 10_000, "y" * 10_000))) < 1000


def test_errors_travel() -> None:
    error = made(-31610, "нет", {"field": "order_id"})
    error.outcome_unknown = True
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is errors.WrongField
    assert vars(again) == vars(error)
    assert str(again) == str(error)
