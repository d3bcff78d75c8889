"""Sources from files: every way they are written is read, and what cannot be read is named with its line."""

import codecs
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.reconcile import OrderState, ReceiptRow, ShopOrder
from tiyin.merchant.reconcile.files import BadFile, read_orders, read_receipts, read_statement
from tiyin.merchant.reconcile.order_rows import BadValue, read_order

AT_MS = 1_795_527_005_000  # 2026-11-24 18:30:05 in Tashkent
EXPECTED = [
    ShopOrder(order="0197", amount_tiyin=500_000, state=OrderState.PAID, paid_at_ms=AT_MS),
    ShopOrder(order="198", amount_tiyin=1_250_050, state=OrderState.WAITING),
]


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (
            (
                "order,amount_tiyin,state,paid_at\n0197,500000,paid,2026-11-24 18:30:05\n"
                "198,1250050,waiting,\n"
            ),
            "utf-8",
        ),
        (
            (
                "Order_ID;Amount_Sum;Status;Paid_At;Phone\r\n0197;5 000,00;PAID;24.11.2026 18:30:05;+998\r\n"
                "198;12500.5;new;;\r\n;;;;\r\n"
            ),
            "utf-8-sig",
        ),
        (
            (
                "sep=;\norder;amount_sum;state;paid_at\n0197;5000;paid;2026-11-24T13:30:05Z\n"
                "198;12500,5;waiting\n"
            ),
            "utf-8",
        ),
        (
            (
                "Заказ;Сумма, сум;Статус;Дата оплаты\n0197;5\u00a0000;Оплачен;24.11.2026 18:30:05\n"
                '198;"12\u00a0500,50";Ждёт;\n'
            ),
            "cp1251",
        ),
        (
            (
                "Заказ\tСумма, сум\tСтатус\tДата оплаты\n0197\t5 000\tоплачено\t24.11.2026, 18:30:05\n"
                "198\t12 500,50\tновый\t\n"
            ),
            "utf-16",
        ),
        (
            (
                "Buyurtma,Amount_tiyin,Holat,Toʻlangan\n0197,500000,toʻlangan,1795527005000\n"
                "198,1250050,kutmoqda,0\n"
            ),
            "utf-8",
        ),
        (
            (
                '"order","note, with; signs","amount_tiyin","state","paid_at"\n'
                f'"0197","two\nlines","500000","paid","{AT_MS}"\n"198","","1250050","waiting",""\n'
            ),
            "utf-8",
        ),
    ],
)  # fmt: skip
def test_tables_as_shops_and_spreadsheets_write_them(tmp_path: Path, text: str, encoding: str) -> None:
    assert list(read_orders(write(tmp_path, "orders.csv", text.encode(encoding)))) == EXPECTED


def test_orders_as_json_and_line_by_line(tmp_path: Path) -> None:
    rows = [
        {"order": "0197", "amount_tiyin": 500_000, "state": "paid", "paid_at": AT_MS},
        {"order_id": 198, "amount_sum": "12500.50", "state": "waiting", "paid_at": None, "one_time": True},
    ]
    bare = write(tmp_path, "a.json", codecs.BOM_UTF8 + json.dumps(rows).encode())
    named = write(tmp_path, "b.json", json.dumps({"orders": rows}))
    lined = write(tmp_path, "c.jsonl", "\n\n".join(map(json.dumps, rows)))
    for path in (bare, named, lined):
        assert list(read_orders(path)) == EXPECTED


def test_a_day_alone_is_its_noon_so_that_it_is_at_no_edge() -> None:
    row = {"order": "1", "amount_tiyin": 1, "state": "paid"}
    noon = read_order({**row, "paid_at": "2026-11-24T12:00:00+05:00"}).paid_at_ms
    assert read_order({**row, "paid_at": "2026-11-24"}).paid_at_ms == noon
    assert read_order({**row, "paid_at": "24.11.2026"}).paid_at_ms == noon


def test_a_balance_and_a_free_order() -> None:
    row = {"order": "1", "amount_sum": "0,00", "state": "refunded", "one_time": "нет", "refunded_at": AT_MS}
    assert read_order(row) == ShopOrder(
        order="1", amount_tiyin=0, state=OrderState.REFUNDED, refunded_at_ms=AT_MS, one_time=False
    )
    assert read_order({**row, "amount_sum": 0}).amount_tiyin == 0


GOOD = {"order": "1", "amount_tiyin": "500000", "state": "paid"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order": " "}, "order"),
        ({"order": True}, "order"),
        ({"state": "gone"}, "state"),
        ({"amount_tiyin": "5000.00"}, "amount_tiyin"),
        ({"amount_tiyin": "-5"}, "amount_tiyin"),
        ({"amount_tiyin": 5000.0}, "amount_tiyin"),
        ({"amount_tiyin": "٥"}, "amount_tiyin"),
        ({"amount_tiyin": str(10**13 + 1)}, "amount"),
        ({"amount_tiyin": "", "amount_sum": 0.1}, "float"),
        ({"amount_tiyin": "", "amount_sum": "1,250,000.50"}, "amount_sum"),
        ({"amount_tiyin": "", "amount_sum": ""}, "missing"),
        ({"paid_at": "yesterday"}, "paid_at"),
        ({"paid_at": "31.02.2026"}, "paid_at"),
        ({"paid_at": 1_795_527_005}, "milliseconds"),
        ({"paid_at": 1.5}, "paid_at"),
        ({"refunded_at": "24/11/2026"}, "refunded_at"),
        ({"one_time": "perhaps"}, "one_time"),
    ],
)
def test_an_order_that_cannot_be_understood(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValue, match=said):
        read_order({**GOOD, **change})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: is empty"),
        (b"\n1,2\n", "line 1: is empty"),
        (b"order,amount,state\n1,5,paid\n", "line 1: name the column of amounts amount_tiyin or amount_sum"),
        (b"order,amount_tiyin,amount_sum,state\n", "line 1: name the column"),
        (b"amount_tiyin,state\n", "line 1: a column is missing: order"),
        (b"order,amount_tiyin\n", "line 1: a column is missing: state"),
        (b"order,order_id,amount_tiyin,state\n", "line 1: there are two columns for order"),
        (b"order,amount_tiyin,state\n1,5,paid\n\n2,x,paid\n", "line 4: amount_tiyin"),
        (b'order,amount_tiyin,state\n"1\n2",5,paid\n2,x,paid\n', "line 4: amount_tiyin"),
        (b"sep=,\norder,amount_tiyin,state\n2,x,paid\n", "line 3: amount_tiyin"),
        (b"order,amount_tiyin,state\n1,5,paid,more\n", "line 2: has more values"),
        (b'order,amount_tiyin,state\n1,5,"paid\n', "is no row of a table"),
        (b'"order,amount_tiyin,state\n1,5,paid\n', "is no line of names"),
        (b"order,amount_tiyin,state\n1,5\n", "line 2: state"),
        (b"order\x00,amount_tiyin,state\n", "is no text"),
        (b"order,amount_tiyin,state\n\xff\x98,5,paid\n", "neither UTF-8"),
        (b"\xff\xfeo\x00r\x00d", "the file"),
        (b"order,amount_tiyin,state\n" + b"1" * 200_000 + b",5,paid\n", "line 2: is no row"),
    ],
)
def test_a_table_that_cannot_be_understood_is_named_with_its_line(
    tmp_path: Path, data: bytes, said: str
) -> None:
    with pytest.raises(BadFile) as refusal:
        list(read_orders(write(tmp_path, "orders.csv", data)))
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("orders.csv: ")


@given(st.binary(max_size=300))
def test_no_file_of_bytes_is_anything_but_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name, read in _READERS:
        try:
            list(read(write(folder, name, data)))
        except BadFile as error:
            assert str(error).startswith(name)  # noqa: PT017 - it may also be read


FIELDS = ["id", "_id", "state", "amount", "time", "account", "order", "merchant", "name", "value"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)


@given(
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_json_is_anything_but_read_or_refused(tmp_path_factory: Any, value: Any) -> None:
    folder = tmp_path_factory.mktemp("json")
    for name, read in _READERS[1:]:
        try:
            list(read(write(folder, name, json.dumps([value]))))
        except BadFile as error:
            assert str(error).startswith(name)  # noqa: PT017 - it may also be read


_READERS: list[tuple[str, Callable[[Path], Iterator[Any]]]] = [
    ("orders.csv", read_orders),
    ("orders.json", read_orders),
    ("orders.jsonl", read_orders),
    ("statement.json", read_statement),
    ("receipts.json", read_receipts),
]

TRANSACTION = {
    "id": "5305e3bab097f420a62ced0b", "time": AT_MS, "amount": 500_000, "account": {"order_id": "197"},
    "create_time": AT_MS, "perform_time": AT_MS + 1, "cancel_time": 0, "transaction": "5123", "state": 2,
    "reason": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "wrapped",
    [
        [TRANSACTION],
        {"transactions": [TRANSACTION]},
        {"jsonrpc": "2.0", "id": 1, "error": None, "result": {"transactions": [TRANSACTION]}},
        [{**TRANSACTION, "transaction": 5123, "cancel_time": None, "amount": 500000.0, "receivers": None}],
    ],
)
def test_statements_as_servers_answer_them(tmp_path: Path, wrapped: Any) -> None:
    (row,) = read_statement(write(tmp_path, "statement.json", json.dumps(wrapped)))
    assert (row.id, row.time, row.amount, row.account) == (
        TRANSACTION["id"], AT_MS, 500_000, {"order_id": "197"},
    )  # fmt: skip
    assert (row.perform_time, row.cancel_time, row.transaction, row.state) == (AT_MS + 1, 0, "5123", 2)


RECEIPT = {
    "_id": "618a5b9f1045eb4efde669a4", "create_time": AT_MS, "pay_time": AT_MS + 9, "cancel_time": 0,
    "state": 4, "amount": 100_000, "commission": 7, "detail": None,
    "account": [{"name": "loan_id", "value": "2", "main": True},
                {"name": "transaction", "title": {"ru": "Номер чека"}, "value": 1544, "main": False}],
    "card": {"number": "8600069195406311", "expire": "9903"}, "merchant": {"_id": "5e730e8e0b852a417aa49ceb"},
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [[RECEIPT], {"result": [RECEIPT]}, {"result": {"receipts": [RECEIPT]}}])
def test_receipts_as_the_documentation_shows_them(tmp_path: Path, wrapped: Any) -> None:
    (row,) = read_receipts(write(tmp_path, "receipts.json", json.dumps(wrapped)))
    assert row == ReceiptRow(
        id="618a5b9f1045eb4efde669a4",
        state=4,
        amount_tiyin=100_000,
        commission_tiyin=7,
        create_time_ms=AT_MS,
        pay_time_ms=AT_MS + 9,
        account={"loan_id": "2"},
        desk_id="5e730e8e0b852a417aa49ceb",
        fiscal=False,
    )
    assert "6311" not in repr(row)


def test_a_receipt_that_says_nothing_of_goods(tmp_path: Path) -> None:
    plain = {name: value for name, value in RECEIPT.items() if name != "detail"}
    rows = [plain, {**plain, "_id": "2", "detail": {"items": []}, "account": {"order_id": 1}}]
    silent, told = read_receipts(write(tmp_path, "receipts.json", json.dumps(rows)))
    assert (silent.fiscal, told.fiscal, told.account) == (None, True, {"order_id": 1})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "id: must be a text"),
        ({"amount": "500"}, "amount: must be an integer"),
        ({"amount": -1}, "amount: must be from 0"),
        ({"state": 3}, "state: must be 1, 2, -1 or -2"),
        ({"time": 10**13}, "time: must be milliseconds"),
        ({"account": []}, "account: must be an object"),
        ({"account": {"order_id": None}}, "account.order_id: must be a string"),
    ],
)
def test_a_row_that_cannot_be_understood_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    rows = [TRANSACTION, {**TRANSACTION, **change}]
    with pytest.raises(BadFile, match=rf"^statement\.json: row 2: {said}"):
        list(read_statement(write(tmp_path, "statement.json", json.dumps(rows))))
    lines = "\n".join(map(json.dumps, rows))
    with pytest.raises(BadFile, match=rf"^statement\.jsonl: line 2: {said}"):
        list(read_statement(write(tmp_path, "statement.jsonl", lines)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", "is no JSON"),
        ("5", "holds no list of transactions"),
        ('{"result": {}}', "holds no list of transactions"),
        ('{"error": {"code": -32504}}', "a call that failed"),
        ('{"error": {"code": -32504}, "result": null}', "a call that failed"),
        ('{"result": {"result": {"result": []}}}', "holds no list of transactions"),
        ("[5]", "row 1: is no object"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_json_that_is_no_statement(tmp_path: Path, data: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        list(read_statement(write(tmp_path, "statement.json", data)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name, read in _READERS:
        with pytest.raises(BadFile, match=rf"^{name} cannot be read \(No such file"):
            list(read(tmp_path / name))
