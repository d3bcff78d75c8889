"""Events that are made to happen take the same way as in life."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from helpers_emulator import Browser, EmulatorProcess, emulator_process, get_json, post_json
from tiyin.emulator.triggers import EVENTS


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    started: tuple[EmulatorProcess, dict[str, Any]]
    with emulator_process(tmp_path_factory.mktemp("triggers") / "data") as started:
        yield started[1]


def happen(told: dict[str, Any], event: str, **asked: object) -> dict[str, Any]:
    answer = post_json(f"{told['dev']}/trigger", {"event": event, **asked})
    assert answer.status == 200, answer.body
    done: dict[str, Any] = answer.json
    return done


def order_of(told: dict[str, Any], order: str) -> dict[str, Any]:
    found: dict[str, Any] = get_json(f"{told['shop']}/orders/{order}")
    return found


def test_the_events_are_listed(told: dict[str, Any]) -> None:
    listed = get_json(f"{told['dev']}/trigger")["events"]
    assert [one["event"] for one in listed] == list(EVENTS)


def test_a_payment_is_made_from_end_to_end(told: dict[str, Any]) -> None:
    done = happen(told, "payment", amount=700_000)
    assert (done["ok"], done["state"]) == (True, 4)
    order = order_of(told, done["order_id"])
    assert (order["state"], order["amount"]) == ("paid", 700_000)
    methods = [get_json(f"{told['dev']}/traffic/{number}")["method"] for number in done["exchanges"]]
    assert methods == [
        "receipts.create",
        "cards.create",
        "cards.get_verify_code",
        "cards.verify",
        "receipts.pay",
    ]


def test_a_paid_order_is_refunded_by_the_shop(told: dict[str, Any]) -> None:
    """By a program, and by the page's form; what is not paid is left as it is."""
    done = happen(told, "payment", amount=700_000)
    address = f"{told['shop']}/orders/{done['order_id']}"
    cross = post_json(f"{address}/refund", {}, {"sec-fetch-site": "cross-site"})
    assert (cross.status, order_of(told, done["order_id"])["state"]) == (403, "paid")
    refunded = post_json(f"{address}/refund", {})
    assert (refunded.status, refunded.json["state"], refunded.json["hooks"]["cancel"]) == (
        200,
        "cancelled",
        1,
    )
    again = post_json(f"{address}/refund", {}).json
    assert (again["state"], again["hooks"]["cancel"]) == ("cancelled", 1)
    assert post_json(f"{told['shop']}/orders/999/refund", {}).status == 404

    done = happen(told, "payment", amount=700_000)
    browser = Browser()
    page = browser.get(f"{told['shop']}/orders/{done['order_id']}?lang=en")
    assert "Give back" in page.text
    page = browser.submit(page)
    assert ('data-state="cancelled"' in page.text, "Give back" in page.text) == (True, False)

    # The gateway's word against it is shown, in the language of the page.
    done = happen(told, "payment", amount=700_000)
    post_json(
        f"{told['dev']}/faults",
        {"side": "api", "method": "receipts.cancel", "fault": "status", "status": 500, "times": 1},
    )
    page = browser.submit(browser.get(f"{told['shop']}/orders/{done['order_id']}?lang=uz"))
    assert (page.status, "Pul qaytarilmadi" in page.text) == (502, True)


def test_a_payment_of_ones_own_order(told: dict[str, Any]) -> None:
    order = post_json(f"{told['shop']}/orders", {"amount": 123_400}).json["order_id"]
    done = happen(told, "payment", account={"order_id": order}, amount=123_400, card="8600495473316478")
    assert done["ok"]
    assert "order_id" not in done
    assert order_of(told, order)["state"] == "paid"
    again = happen(told, "payment", account={"order_id": order}, amount=123_400)
    assert (again["ok"], again["answer"]["error"]["code"]) == (False, -31610)


def test_a_payment_at_a_desk_without_billing(told: dict[str, Any]) -> None:
    desk = told["desks"][1]
    done = happen(told, "payment", desk=desk["name"], account={"anything": "7"})
    assert (done["ok"], done["desk"]) == (True, desk["id"])


def test_a_refused_payment_leaves_the_order_payable(told: dict[str, Any]) -> None:
    done = happen(told, "payment.refused")
    assert done["ok"]
    assert done["answer"]["error"]["code"] == -31640
    assert done["state"] == 50
    assert order_of(told, done["order_id"])["state"] == "waiting"
    # With a card that pays nothing is refused, and that is what is told.
    assert not happen(told, "payment.refused", card="8600495473316478")["ok"]


@pytest.mark.parametrize("desk", [None, "Tiyin virtual terminal"])
@pytest.mark.parametrize(
    ("event", "state"),
    [("refund", 50), ("hold", 5), ("hold.confirmed", 4), ("hold.cancelled", 50), ("receipt.cancelled", 50)],
)
def test_money_is_given_back_held_and_taken(
    told: dict[str, Any], event: str, state: int, desk: str | None
) -> None:
    done = happen(told, event, **({} if desk is None else {"desk": desk}))
    assert (done["ok"], done["state"]) == (True, state), done


def test_an_order_and_a_receipt_wait(told: dict[str, Any]) -> None:
    made = happen(told, "order", amount=5_000_00)
    assert order_of(told, made["order_id"])["state"] == "waiting"
    invoice = happen(told, "receipt", account={"order_id": made["order_id"]}, amount=5_000_00)
    assert (invoice["ok"], invoice["state"]) == (True, 0)


def test_the_merchant_api_is_called_step_by_step(told: dict[str, Any]) -> None:
    checked = happen(told, "merchant.check")
    assert checked["answer"]["result"]["allow"] is True
    made = happen(told, "merchant.create", account={"order_id": checked["order_id"]})
    transaction = made["transaction"]
    params = {"id": transaction}
    assert happen(told, "merchant.check_transaction", params=params)["answer"]["result"]["state"] == 1
    assert happen(told, "merchant.perform", params=params)["answer"]["result"]["state"] == 2
    listed = happen(told, "merchant.statement")["answer"]["result"]["transactions"]
    assert transaction in {one["id"] for one in listed}
    assert happen(told, "merchant.cancel", params={**params, "reason": 5})["answer"]["result"]["state"] == -2
    refused = happen(told, "merchant.perform", params=params)
    assert (refused["ok"], refused["answer"]["error"]["code"]) == (False, -31008)


def test_ones_own_params_win(told: dict[str, Any]) -> None:
    done = happen(told, "merchant.check", params={"amount": 1, "account": {"order_id": "999999"}})
    assert not done["ok"]
    assert "order_id" not in done
    sent = get_json(f"{told['dev']}/traffic/{done['exchanges'][0]}")["request"]["body"]
    assert '"999999"' in sent


def test_the_key_is_hidden_in_what_a_merchant_answers(told: dict[str, Any]) -> None:
    key = told["desks"][0]["test_key"]
    body = json.dumps({"error": {"code": -31050, "message": f"not {key}", key: [key]}})
    rule = {"fault": "malformed", "method": "CheckPerformTransaction", "times": 1, "body": body}
    assert post_json(f"{told['dev']}/faults", rule).status == 200
    done = happen(told, "merchant.check")
    assert done["answer"]["error"]["code"] == -31050
    assert key not in json.dumps(done)
    assert Browser().ask("DELETE", f"{told['dev']}/faults").status == 200


def test_fault_rules_hit_what_is_triggered(told: dict[str, Any]) -> None:
    rule = {"fault": "drop_after", "method": "CheckPerformTransaction", "times": 1}
    assert post_json(f"{told['dev']}/faults", rule).status == 200
    done = happen(told, "merchant.check")
    assert not done["ok"]
    assert "lost on its way" in done["said"]
    rule = {"side": "api", "fault": "drop_before", "method": "cards.create", "times": 1}
    assert post_json(f"{told['dev']}/faults", rule).status == 200
    done = happen(told, "payment.refused")
    assert not done["ok"]
    assert "the connection was cut" in done["said"]
    assert Browser().ask("DELETE", f"{told['dev']}/faults").status == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "event"),
        ({"event": "earthquake"}, "event"),
        ({"event": ["payment"]}, "event"),
        ({"event": "payment", "colour": 1}, "colour"),
        ({"event": "payment", "params": {}}, "params"),
        ({"event": "order", "card": "8600495473316478"}, "card"),
        ({"event": "payment", "amount": 0}, "amount"),
        ({"event": "payment", "amount": "5"}, "amount"),
        ({"event": "payment", "amount": True}, "amount"),
        ({"event": "payment", "card": "1234"}, "card"),
        ({"event": "payment", "card": 8600495473316478}, "card"),
        ({"event": "payment", "expire": "3"}, "expire"),
        ({"event": "payment", "account": []}, "account"),
        ({"event": "payment", "account": {"order_id": [1]}}, "account"),
        ({"event": "payment", "desk": "nobody"}, "desk"),
        ({"event": "merchant.perform"}, "params"),
        ({"event": "merchant.perform", "params": "x"}, "params"),
        ({"event": "merchant.check", "desk": "Tiyin virtual terminal"}, "desk"),
        ({"event": "order", "desk": "Tiyin virtual terminal"}, "desk"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_happens(
    told: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    before = get_json(f"{told['dev']}/traffic")["newest"]
    answer = post_json(f"{told['dev']}/trigger", asked)
    assert answer.status == 400
    assert answer.json["field"] == field
    assert get_json(f"{told['dev']}/traffic")["newest"] == before
