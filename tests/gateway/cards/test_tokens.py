"""The rules of tokens, without a database: what may pay, once or again and again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.cards.records import LIVE, REMOVED, SPENT, TokenRow
from tiyin.gateway.cards.tokens import (
    check_opens,
    hash_token,
    release_token,
    remove_token,
    reserve_token,
    spend_token,
    token_id_of,
    verify_token,
)
from tiyin.protocol.errors import RpcError
from tiyin.runtime.ids import new_token

TOKEN = new_token()
RECEIPTS = ["r1", "r2", "r3"]


def row(**changes: object) -> TokenRow:
    fresh = TokenRow(
        id=token_id_of(TOKEN),
        desk_id="desk",
        card_id="card",
        secret_hash=hash_token(TOKEN),
        number="860006******6311",
        expire="0399",
        save=0,
        verified=1,
        amount_tiyin=None,
        account=None,
        customer=None,
        state=LIVE,
        receipt_id=None,
        attempt=0,
        created_at_ms=0,
    )
    return msgspec.structs.replace(fresh, **changes)


def test_tokens_are_opaque_and_long() -> None:
    token = new_token()
    assert len(token) == 24 + 1 + 43
    assert token_id_of(token) == token[:24]
    assert token != new_token()


@given(st.text(max_size=100))
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(RpcError) as refused:
        token_id_of(text)
    assert refused.value.code == -32500


@pytest.mark.parametrize(
    "wrong",
    [TOKEN[:-1], TOKEN + "\n", TOKEN + " ", TOKEN.upper(), TOKEN.replace("_", "-")],
    ids=["shorter", "newline", "space", "upper case", "dash"],
)
def test_what_nearly_is_the_token_opens_nothing(wrong: str) -> None:
    with pytest.raises(RpcError) as refused:
        check_opens(row(id=token_id_of(wrong)), wrong, "desk")
    assert refused.value.code in {-32500, -31400}


def test_only_the_whole_token_of_this_desk_opens() -> None:
    assert check_opens(row(), TOKEN, "desk") == row()
    for held, token, desk_id in [
        (None, TOKEN, "desk"),
        (row(), TOKEN, "other"),
        (row(), TOKEN[:-1] + "-", "desk"),
    ]:
        with pytest.raises(RpcError) as refused:
            check_opens(held, token, desk_id)
        assert refused.value.code == -31400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"verified": 0}, -31400),
        ({"verified": 0, "save": 1}, -31400),
        ({"state": REMOVED}, -31400),
        ({"state": REMOVED, "receipt_id": "r1"}, -31400),
        ({"receipt_id": "r2"}, -31400),
        ({"state": SPENT, "receipt_id": "r2"}, -31400),
        ({"amount_tiyin": 999}, -31610),
    ],
)
def test_what_may_not_pay(changes: dict[str, object], code: int) -> None:
    with pytest.raises(RpcError) as refused:
        reserve_token(row(**changes), "r1", 1000, attempt=1)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "writes"),
    [
        ({}, True),
        ({"amount_tiyin": 1000}, True),
        ({"receipt_id": "r1", "attempt": 1}, False),
        ({"receipt_id": "r1", "attempt": 2}, False),
        ({"receipt_id": "r1"}, True),
        ({"state": SPENT, "receipt_id": "r1"}, False),
        ({"save": 1}, False),
    ],
)
def test_what_may_pay(changes: dict[str, object], writes: bool) -> None:
    decision = reserve_token(row(**changes), "r1", 1000, attempt=1)
    assert decision.writes is writes
    assert decision.answer.card_id == "card"
    assert decision.answer.one_time is not bool(changes.get("save"))


def take(held: TokenRow, step: str, receipt_id: str) -> TokenRow | None:
    """Take one step; what it wrote, if it wrote at all."""
    try:
        if step == "reserve":
            record = reserve_token(held, receipt_id, 1000, attempt=1).record
        elif step == "release":
            record = release_token(held, receipt_id, 1).record
        elif step == "spend":
            record = spend_token(held, receipt_id).record
        elif step == "remove":
            record = remove_token(held).record
        else:
            record = verify_token(held).record
    except RpcError:
        return None
    assert record is None or isinstance(record, TokenRow)
    return record


steps = st.lists(
    st.tuples(st.sampled_from(["reserve", "release", "spend", "remove", "verify"]), st.sampled_from(RECEIPTS))
)


@given(steps, st.booleans())
def test_a_one_time_token_never_pays_two_receipts(taken: list[tuple[str, str]], late: bool) -> None:
    """Any calls in any order: at most one receipt ever spends it, and only one that had reserved it."""
    held = row(verified=0 if late else 1)
    paid: set[str] = set()
    reserved: set[str] = set()
    for step, receipt_id in taken:
        record = take(held, step, receipt_id)
        if step == "reserve" and record is not None:
            reserved.add(receipt_id)
        held = held if record is None else record
        if held.state == SPENT:
            assert held.receipt_id is not None
            assert held.verified
            paid.add(held.receipt_id)
    assert len(paid) <= 1
    assert paid <= reserved


def test_no_repr_tells_the_hash() -> None:
    assert hash_token(TOKEN) not in repr(row())
