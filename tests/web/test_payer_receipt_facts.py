"""What a payer's receipt says, by table: money, goods, fiscal receipts, and what it keeps to itself."""

from typing import Any

import msgspec
import pytest
import segno

from helpers_checkout import DESK
from helpers_payer_receipt import AT_MS, FISCAL_URL, MASK, fiscal_of, item, receipt_of
from tiyin.gateway.fiscal.receipts import OfReceipt
from tiyin.gateway.fiscal.records import CANCEL, MERCHANT
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID
from tiyin.protocol.subscribe_api import ReceiptState
from tiyin.protocol.values import LANGUAGES, Text
from tiyin.web.payer_receipt.facts import ReceiptFacts, kind_of, receipt_facts
from tiyin.web.payer_receipt.fiscal import LATE_MS
from tiyin.web.payer_receipt.goods import LINES_MAX, read_goods
from tiyin.web.payer_receipt.keeping import read_address
from tiyin.web.payer_receipt.paper import visible
from tiyin.web.payer_receipt.qr import QUIET_MODULES, draw_qr


def facts_of(receipt: Receipt, fiscal: OfReceipt | None = None, now_ms: int = AT_MS) -> ReceiptFacts:
    facts = receipt_facts(DESK, receipt, fiscal or OfReceipt(), now_ms, "en")
    assert facts is not None
    return facts


@pytest.mark.parametrize("state", list(ReceiptState))
def test_only_money_that_was_taken_or_held_has_a_receipt(state: ReceiptState) -> None:
    kinds = {PAID: "paid", HELD: "held", CANCELLED: "refunded"}
    assert kind_of(receipt_of(state)) == kinds.get(state)
    facts = receipt_facts(DESK, receipt_of(state), OfReceipt(), AT_MS, "ru")
    assert (facts is None) == (state not in kinds)


def test_a_receipt_that_was_cancelled_before_it_was_paid_has_none() -> None:
    assert kind_of(receipt_of(CANCELLED, pay_time_ms=0)) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_paid_receipt_says(language: Any) -> None:
    facts = receipt_facts(DESK, receipt_of(), OfReceipt(), AT_MS, language)
    assert facts is not None
    assert (facts.merchant, facts.organization) == (DESK.name, DESK.organization)
    assert (facts.number, facts.amount_tiyin) == (80, 500_000)
    title = DESK.account_fields[0].title.in_language(language)
    assert facts.account[0] == (title, "197")
    when = "10 Jun 2024, 11:13" if language == "en" else "10.06.2024, 11:13"
    assert [value for _, value in facts.rows] == [MASK, when]


def test_a_refund_tells_both_moments_and_a_hold_its_own() -> None:
    assert [name for name, _ in facts_of(receipt_of(CANCELLED)).rows] == [
        "Card",
        "Paid on, Tashkent time",
        "Given back on, Tashkent time",
    ]
    assert [name for name, _ in facts_of(receipt_of(HELD)).rows] == ["Card", "Held on, Tashkent time"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("phone", "998901234567", "99890*****67"),
        ("phone", "+998 (90) 123-45-67", "99890*****67"),
        ("PhoneNumber", "901234567", "90123**67"),
        ("tel", "1234567", "*******"),
        ("login", "998901234567", "99890*****67"),
        ("login", "+998331234567", "99833*****67"),
        ("login", "998 (90) 123-45-67", "99890*****67"),
        ("telefon", "901234567", "90123**67"),
        ("clientTel", "901234567", "90123**67"),
        ("phone", "(90) 123-45-67", "90123**67"),
        ("phone", "90.123.45.67 Anvar", "90123**67"),
        ("Телефон клиента", "901234567", "90123**67"),
        # Not a number of the plan, so an order's own.
        ("order_id", "998101234567", "998101234567"),
        ("order_id", "197", "197"),
        ("hotel", "1234567", "1234567"),
        ("automobile", "1234567", "1234567"),
        ("telegram", "1234567890", "1234567890"),
        ("phone", "the red one", "the red one"),
    ],
)
def test_phones_are_masked_wherever_they_stand(name: str, value: str, shown: str) -> None:
    account = msgspec.json.encode({name: value}).decode()
    assert facts_of(receipt_of(account=account)).account[0][1] == shown


def test_a_phone_is_known_by_its_fields_title_too() -> None:
    (field,) = DESK.account_fields[:1]
    title = Text(ru="Номер телефона", uz="Telefon raqami", en="Number to top up")
    desk = msgspec.structs.replace(DESK, account_fields=(msgspec.structs.replace(field, title=title),))
    account = msgspec.json.encode({field.name: "901234567"}).decode()
    facts = receipt_facts(desk, receipt_of(account=account), OfReceipt(), AT_MS, "ru")
    assert facts is not None
    assert facts.account[0] == ("Номер телефона", "90123**67")


def test_the_payers_own_data_stays_out() -> None:
    facts = facts_of(receipt_of(payer='{"phone":"998907654321","name":"Anvar"}', card_expire="0399"))
    told = msgspec.json.encode(facts).decode()
    for secret in ("Anvar", "7654321", "0399", "1234567"):
        assert secret not in told
    assert repr(facts) == "ReceiptFacts(2e0b1bc1f1eb50d487ba268d, paid)"


def test_goods_with_discount_vat_and_weight() -> None:
    detail = {
        "items": [
            item(),
            item("Зира", price=100_001, count=0.29, discount=1, vat_percent=0),
            item("Рис", price=100_000, count=1, discount={"title": "x", "price": 12_000}, vat_percent=12.5),
        ],
        "shipping": {"title": "Курьер", "price": 100_000},
    }
    goods = read_goods(detail, "ru")
    assert goods is not None
    told = [
        (line.count, line.total_tiyin, line.discount_tiyin, line.vat_percent, line.vat_tiyin)
        for line in goods.lines
    ]
    assert told == [
        ("2", 400_000, 0, "12", 42_857),
        ("0,29", 28_999, 1, "0", 0),  # 29 000.29 rounded, less 1
        ("1", 88_000, 12_000, "12,5", 9_778),
    ]
    assert (goods.shipping_title, goods.shipping_tiyin) == ("Курьер", 100_000)
    assert goods.vat_tiyin == 52_635


def test_the_whole_vat_is_not_told_where_it_cannot_be() -> None:
    whole = read_goods({"items": [item()], "discount": 100}, "ru")
    none = read_goods({"items": [item(vat_percent=None)]}, "ru")
    assert whole is not None
    assert none is not None
    assert (whole.vat_tiyin, whole.discount_tiyin, whole.lines[0].vat_tiyin) == (None, 100, 42_857)
    assert (none.vat_tiyin, none.lines[0].vat_percent) == (None, "")


def test_goods_beyond_the_bound_are_counted_and_added_up() -> None:
    goods = read_goods({"items": [item(count=1)] * (LINES_MAX + 7)}, "ru")
    assert goods is not None
    assert (len(goods.lines), goods.hidden, goods.hidden_tiyin) == (LINES_MAX, 7, 1_400_000)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        "text",
        [],
        {},
        {"items": "many"},
        {"items": [None, 1, {"title": 5, "price": 1}, {"title": "x"}, {"title": "x", "price": -1}]},
        {"items": [{"title": "x", "price": True}, {"title": "\x00", "price": 100}]},
        {"items": [{"title": "x", "price": 10**14}, {"title": "x", "price": 1.5}]},
        {"shipping": {"title": "x", "price": "100"}},
    ],
)
def test_goods_that_cannot_be_read_are_left_out(detail: Any) -> None:
    assert read_goods(detail, "ru") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"count": float("nan")},
        {"count": float("inf")},
        {"count": -1},
        {"count": "2"},
        {"count": 10**30},
        {"count": 1e-300},
        {"vat_percent": float("nan")},
        {"vat_percent": 1e9},
        {"discount": 10**13},
        {"code": {"a": 1}, "title": {"ru": "x"}},
        {"title": "x" * 5_000},
    ],
)
def test_odd_goods_never_fail(changes: dict[str, Any]) -> None:
    goods = read_goods({"items": [item(**changes)]}, "en")
    assert goods is not None
    assert len(goods.lines[0].title) <= 300
    assert len(goods.lines[0].count) <= 20


def test_a_registered_fiscal_receipt_tells_its_numbers() -> None:
    receipt = receipt_of(fiscal_due=1)
    (view,) = facts_of(receipt, OfReceipt(fiscal_of(receipt))).fiscal
    assert (view.of, view.standing, view.link) == ("sale", "registered", FISCAL_URL)
    assert (view.terminal, view.number, view.sign) == ("EP000000000356", "414622483", "168355950146")
    assert view.date == "10 Jun 2024, 16:00"


def test_what_the_data_leaves_out_is_read_from_the_address() -> None:
    receipt = receipt_of()
    fiscal = fiscal_of(receipt, terminal_id=None, fiscal_sign=None, date=None)
    (view,) = facts_of(receipt, OfReceipt(fiscal)).fiscal
    assert (view.terminal, view.sign, view.date) == (
        "EP000000000356",
        "168355950146",
        "10 Jun 2024, 16:00",
    )


@pytest.mark.parametrize(
    "url",
    [
        FISCAL_URL.replace("https", "http"),
        FISCAL_URL.replace("https://", "javascript://"),
        FISCAL_URL.replace("ofd.soliq.uz", "ofd.soliq.uz.example.com"),
        FISCAL_URL.replace("ofd.soliq.uz", "user@ofd.soliq.uz"),
        FISCAL_URL.replace("ofd.soliq.uz", "ofd.so\nliq.uz"),
        FISCAL_URL.replace("/epi", "/redirect"),
        FISCAL_URL.replace("s=168355950146", "s=<script>"),
        FISCAL_URL + "&more=" + "x" * 400,
        "javascript:alert(1)",
        "",
    ],
)
def test_only_the_documented_address_becomes_a_link(url: str) -> None:
    receipt = receipt_of()
    (view,) = facts_of(receipt, OfReceipt(fiscal_of(receipt, qr_code_url=url))).fiscal
    assert (view.standing, view.link) == ("registered", "")


@pytest.mark.parametrize(
    ("state", "changes", "now_ms", "standings"),
    [
        (PAID, {}, AT_MS, []),
        (PAID, {"fiscal_due": 1}, AT_MS, [("sale", "due")]),
        (PAID, {"fiscal_due": 1}, AT_MS + LATE_MS, [("sale", "late")]),
        (HELD, {"fiscal": 1}, AT_MS, []),
        (CANCELLED, {}, AT_MS, []),
        (CANCELLED, {"fiscal_due": 3}, AT_MS + 3_600_000, [("sale", "late"), ("refund", "due")]),
        (CANCELLED, {"fiscal_due": 2}, AT_MS + 3_600_000, [("refund", "due")]),
    ],
)
def test_a_fiscal_receipt_that_is_not_there_yet(
    state: int, changes: dict[str, Any], now_ms: int, standings: list[tuple[str, str]]
) -> None:
    views = facts_of(receipt_of(state, **changes), now_ms=now_ms).fiscal
    assert [(view.of, view.standing) for view in views] == standings


def test_a_refund_has_its_own_fiscal_receipt_and_a_merchants_own_is_not_promised() -> None:
    receipt = receipt_of(CANCELLED, fiscal_due=2)
    both = OfReceipt(fiscal_of(receipt), fiscal_of(receipt, CANCEL, receipt_id=7))
    assert [(view.of, view.number) for view in facts_of(receipt, both).fiscal] == [
        ("sale", "414622483"),
        ("refund", "7"),
    ]
    own = OfReceipt(fiscal_of(receipt, source=MERCHANT))
    assert [view.of for view in facts_of(receipt, own).fiscal] == ["sale"]


def test_what_the_tax_service_refused_is_called_so() -> None:
    receipt = receipt_of()
    (view,) = facts_of(receipt, OfReceipt(fiscal_of(receipt, status_code=3, message="no"))).fiscal
    assert (view.standing, view.number, view.link) == ("refused", "", "")


@pytest.mark.parametrize("date", ["20249999999999", "yesterday", "2024-06-10 16:00:48", "", "²" * 14])
def test_a_date_of_another_form_is_shown_as_it_is(date: str) -> None:
    receipt = receipt_of()
    fiscal = fiscal_of(receipt, date=date, qr_code_url="")
    (view,) = facts_of(receipt, OfReceipt(fiscal)).fiscal
    assert view.date == date


@pytest.mark.parametrize(
    "address",
    [
        "payer@example.uz",
        " Payer+shop@mail.example.uz ",
        "a@b.co",
        "o'neil_1@x-y.example",
        "x" * 64 + "@b.uz",
    ],
)
def test_addresses_that_are_taken(address: str) -> None:
    assert read_address(address).address == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "   ",
        "payer",
        "payer@",
        "@example.uz",
        "payer@example",
        "payer@@example.uz",
        "payer@exa mple.uz",
        "a@b.uz, c@d.uz",
        "a@b.uz;c@d.uz",
        "Payer <a@b.uz>",
        '"a b"@b.uz',
        "a@b.uz\r\nBcc: all@b.uz",
        "a\x00@b.uz",
        ".a@b.uz",
        "a..b@b.uz",
        "a@-b.uz",
        "a@b-.uz",
        "a@[127.0.0.1]",
        "почта@example.uz",
        "a@почта.uz",
        "x" * 65 + "@b.uz",
        "a@" + "b" * 64 + ".uz",
        "a@" + ".".join(["b" * 60] * 5) + ".uz",
    ],
)
def test_addresses_that_are_not(address: str) -> None:
    typed = read_address(address)
    assert typed.address == ""
    assert typed.error


def test_an_address_shows_nowhere() -> None:
    assert "payer" not in repr(read_address("payer@example.uz"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Oʻgʻil bolalar uchun maʼlumot", "Oʻgʻil bolalar uchun maʼlumot"),
        ("Ёлка № 5 — «тест» 5\u00a0000 сум", "Ёлка № 5 — «тест» 5 000 сум"),
        ("e\u0301", "é"),
        ("a\tb\r\nc\u2028d", "a b c d"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("cake 🎂🎉", "cake \ufffd"),
        ("\u202eevil\u202c", "\ufffdevil\ufffd"),
        ("zero\u200bwidth\u00adsoft", "zero\ufffdwidth\ufffdsoft"),
        ("שלום", "\ufffd"),
        ("\ud800", "\ufffd"),
        ("", ""),
    ],
)
def test_what_a_pdf_shows_of_a_text(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_qr_code_is_drawn_module_by_module() -> None:
    matrix = segno.make_qr(FISCAL_URL, error="m", boost_error=False).matrix
    drawing = draw_qr(FISCAL_URL)
    dark = {(x + i, y) for x, y, length in drawing.runs for i in range(length)}
    assert drawing.size == len(matrix) + 2 * QUIET_MODULES
    assert dark == {
        (x + QUIET_MODULES, y + QUIET_MODULES)
        for y, row in enumerate(matrix)
        for x, module in enumerate(row)
        if module
    }
    assert drawing.path.count("M") == len(drawing.runs)
