"""`tiyin reconcile`: its exit codes, its words at 80 columns, and its JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers_emulator import invoke

AT_MS = 1_795_503_600_000  # 2026-11-24 12:00 in Tashkent
IDS = [f"5305e3bab097f420a62ced{number:02x}" for number in range(40)]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """An order that is paid everywhere."""
    paths = {
        "--orders": tmp_path / "orders.csv",
        "--statement": tmp_path / "statement.json",
        "--receipts": tmp_path / "receipts.json",
    }
    paths["--orders"].write_text("order;amount_sum;state;paid_at\n1;5 000;paid;24.11.2026 12:00\n")
    fill(paths, 1)
    return paths


def fill(paths: dict[str, Path], count: int, **receipt: Any) -> None:
    """Write a statement and receipts in which the order is paid so many times."""
    paths["--statement"].write_text(
        json.dumps(
            [
                {"id": id_, "time": AT_MS, "amount": 500_000, "account": {"order_id": "1"},
                 "create_time": AT_MS, "perform_time": AT_MS + 9, "cancel_time": 0, "transaction": "1",
                 "state": 2, "reason": None}
                for id_ in IDS[:count]
            ]
        )
    )  # fmt: skip
    paths["--receipts"].write_text(
        json.dumps(
            {
                "result": [
                    {"_id": id_, "create_time": AT_MS, "pay_time": AT_MS + 9, "cancel_time": 0, "state": 4,
                     "amount": 500_000, "account": [{"name": "order_id", "value": "1"}], "detail": None,
                     **receipt}
                    for id_ in IDS[:count]
                ]
            }
        )
    )  # fmt: skip


def command(files: dict[str, Path], *more: str, columns: int = 80) -> Any:
    given = [part for option, path in files.items() for part in (option, str(path))]
    return invoke("reconcile", *given, *more, environ={"COLUMNS": str(columns)})


@pytest.mark.parametrize(
    ("lang", "said"), [("ru", "СОВПАДАЕТ"), ("uz", "MOS: barcha"), ("en", "AGREES: all sides")]
)
def test_what_agrees_ends_with_0(files: dict[str, Path], lang: str, said: str) -> None:
    ended = command(files, "--from", "2026-11-24", "--lang", lang)
    assert ended.exit_code == 0, ended.output
    assert said in ended.stdout
    assert "2026-11-24" in ended.stdout
    assert ended.stdout.count("5\u00a0000") == 6


def test_what_differs_ends_with_1_and_says_what_and_why(files: dict[str, Path]) -> None:
    fill(files, 2)
    ended = command(files, "--from", "2026-11-24", "--to", "2026-11-24", "--lang", "en")
    assert ended.exit_code == 1, ended.output
    words = " ".join(ended.stdout.split())
    assert "ERROR An order is paid twice 1 · UZS 5,000 · paid-twice" in words
    assert "→ Refund what is too much through Payme." in words
    assert IDS[1] in words
    assert "2026-11-24 12:00" in words
    assert "DIFFERS: errors: 1, warnings: 0." in words


@pytest.mark.parametrize("lang", ["ru", "uz", "en"])
def test_it_reads_at_80_columns(files: dict[str, Path], lang: str) -> None:
    fill(files, 40, state=50, amount=10**11)
    files["--orders"].write_text(f"order;amount_tiyin;state\n{'long-order-name-' * 4};10000000000000;paid\n")
    ended = command(files, "--lang", lang)
    assert ended.exit_code == 1
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert "… " in ended.stdout
    for id_ in IDS[:20]:
        assert id_ in ended.stdout


def test_a_note_is_no_difference(files: dict[str, Path]) -> None:
    fill(files, 1, state=30)
    ended = command(files, "--lang", "en")
    assert ended.exit_code == 0, ended.output
    assert "in-flight" in ended.stdout
    assert "AGREES" in ended.stdout


def test_fiscal_data_are_asked_for_by_an_option(files: dict[str, Path]) -> None:
    ended = command(files, "--fiscal", "--lang", "en")
    assert ended.exit_code == 1
    assert "fiscal-missing" in ended.stdout


def test_a_desk_without_billing_has_receipts_alone(files: dict[str, Path]) -> None:
    fill(files, 1, merchant={"_id": "desk"})
    files["--statement"].write_text("[]")
    assert command(files, "--no-billing", "desk").exit_code == 0
    assert command(files).exit_code == 1


def test_json_for_another_program(files: dict[str, Path], tmp_path: Path) -> None:
    fill(files, 2)
    written = tmp_path / "found.json"
    ended = command(files, "--from", "2026-11-24", "--json", str(written))
    assert ended.exit_code == 1
    found = json.loads(written.read_text())
    assert (found["agrees"], found["read"]) == (False, {"orders": 1, "transactions": 2, "receipts": 2})
    (kind,) = found["kinds"]
    assert (kind["code"], kind["severity"], kind["count"], kind["amount_tiyin"]) == (
        "paid-twice", "error", 1, 500_000,
    )  # fmt: skip
    assert set(kind["title"]) == {"ru", "uz", "en"}
    (difference,) = found["differences"]
    assert (difference["code"], difference["order"], difference["id"]) == ("paid-twice", "1", IDS[1])
    (day,) = found["days"]
    assert (day["day"], day["receipts"]["net_tiyin"], day["difference_tiyin"]) == (
        "2026-11-24",
        10**6,
        500_000,
    )
    printed = command(files, "--from", "2026-11-24", "--json", "-")
    assert {**json.loads(printed.stdout), "now": 0} == {**found, "now": 0}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--lang", "fr"], "ru, uz or en"),
        (["--from", "24.11.2026"], "--from must be a day"),
        (["--from", "2026-11-24", "--to", "soon"], "--to must be a day"),
        (["--from", "2026-11-24", "--to", "2026-11-23"], "ends before"),
        (["--to", "2026-11-24"], "--to needs --from"),
        (["--json", "/"], "cannot be written"),
        (["--orders", "/nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_looked_at_ends_with_2(files: dict[str, Path], more: list[str], said: str) -> None:
    ended = command(files, *more)
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_a_bad_line_is_named(files: dict[str, Path]) -> None:
    files["--orders"].write_text("order;amount_tiyin;state\n1;500000;paid\n2;5,5;paid\n")
    ended = command(files)
    assert ended.exit_code == 2
    assert "orders.csv: line 3: amount_tiyin: must be a whole number" in ended.stderr


def test_one_file_is_nothing_to_compare(files: dict[str, Path]) -> None:
    ended = command({"--orders": files["--orders"]})
    assert ended.exit_code == 2
    assert "nothing to compare" in ended.stderr


def test_somebody_else_s_order_name_steers_no_terminal(files: dict[str, Path]) -> None:
    files["--orders"].write_text("order;amount_tiyin;state\n\x1b[31mred;500000;paid\n")
    ended = command(files)
    assert ended.exit_code == 1
    assert "\x1b" not in ended.stdout
