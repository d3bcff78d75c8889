"""Settings are read once, told about in whole sentences when wrong, and never show a secret."""

import copy
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from tiyin.runtime.settings import Secret, Setting, SettingsError, read_settings


class Server(msgspec.Struct, frozen=True, kw_only=True):
    public_url: Annotated[str, Setting("the address that payers see", example="https://pay.example.uz")]
    database_url: Annotated[Secret, Setting("where the database is", example="sqlite:///tiyin.db")]
    port: Annotated[int, Setting("the port to listen on", example="8080", minimum=1, maximum=65535)] = 8080
    workers: Annotated[int, Setting("how many processes", minimum=1)] = 1
    log_format: Literal["console", "json"] = "console"
    test_cards: bool = False
    data: Path | None = None
    name: Annotated[str, Setting("a short name", minimum=2, maximum=5)] = "tiyin"
    domains: tuple[str, ...] = ()
    vault_keys: Annotated[tuple[Secret, ...], Setting("the keys of the vault", minimum=4)] = ()

    def __post_init__(self) -> None:
        if self.workers > 1 and self.log_format == "console":
            raise ValueError("TIYIN_LOG_FORMAT must be json beside TIYIN_WORKERS=2 or more.")


GOOD = {"TIYIN_PUBLIC_URL": "https://pay.uz", "TIYIN_DATABASE_URL": "postgresql://u:hunter2@db/x"}


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as failed:
        read_settings(Server, environ)
    assert str(failed.value) == "\n".join(failed.value.problems)
    return failed.value.problems


def test_every_kind_of_setting_is_read() -> None:
    read = read_settings(
        Server,
        {
            **GOOD,
            "TIYIN_PORT": " 9000 ",
            "TIYIN_LOG_FORMAT": "json",
            "TIYIN_WORKERS": "4",
            "TIYIN_TEST_CARDS": "Yes",
            "TIYIN_DATA": "/var/lib/tiyin",
            "TIYIN_DOMAINS": "a.uz, b.uz,,",
            "TIYIN_VAULT_KEYS": "k1:abc,k2:def",
            "PATH": "/bin",
        },
    )
    assert read == Server(
        public_url="https://pay.uz",
        database_url=Secret("postgresql://u:hunter2@db/x"),
        port=9000,
        workers=4,
        log_format="json",
        test_cards=True,
        data=Path("/var/lib/tiyin"),
        domains=("a.uz", "b.uz"),
        vault_keys=(Secret("k1:abc"), Secret("k2:def")),
    )


def test_defaults_stand_and_an_empty_variable_is_not_set() -> None:
    read = read_settings(Server, {**GOOD, "TIYIN_PORT": "", "TIYIN_DATA": " "})
    assert (read.port, read.data, read.domains) == (8080, None, ())


def test_everything_wrong_is_told_at_once() -> None:
    told = problems(
        {
            "TIYIN_DATABASE_URL": "",
            "TIYIN_PORT": "abc",
            "TIYIN_WORKERS": "0",
            "TIYIN_LOG_FORMAT": "xml",
            "TIYIN_TEST_CARDS": "maybe",
            "TIYIN_NAME": "x",
            "TIYIN_VAULT_KEYS": "good,bad",
        }
    )
    url, database, port, workers, log_format, test_cards, name, vault_keys = told
    assert url.startswith(
        "TIYIN_PUBLIC_URL is not set. Write a text: the address that payers see, for example "
    )
    assert url.endswith(" TIYIN_PUBLIC_URL=https://pay.example.uz.")
    assert database.startswith("TIYIN_DATABASE_URL is not set. Write a secret: where the database is,")
    assert port.startswith(
        "TIYIN_PORT is 'abc', which is not a whole number. Write a whole number from 1 to 65535"
    )
    assert workers == (
        "TIYIN_WORKERS is 0, which is too small. Write a whole number of at least 1: how many processes."
    )
    assert log_format == "TIYIN_LOG_FORMAT is 'xml', which is none of its values. Write one of console, json."
    assert test_cards == "TIYIN_TEST_CARDS is 'maybe', which is neither yes nor no. Write yes or no."
    assert name.startswith(
        "TIYIN_NAME is 'x', which has fewer than 2 characters. Write a text of 2 to 5 characters"
    )
    assert vault_keys == (
        "TIYIN_VAULT_KEYS is a secret that has fewer than 4 characters. "
        "Write a secret of at least 4 characters, several with commas between: the keys of the vault."
    )


def test_bounds_above_are_told_too() -> None:
    told = problems({**GOOD, "TIYIN_PORT": "70000", "TIYIN_NAME": "longer"})
    assert "too large" in told[0]
    assert "more than 5 characters" in told[1]


def test_what_the_struct_itself_refuses_is_a_problem() -> None:
    assert problems({**GOOD, "TIYIN_WORKERS": "2"}) == (
        "TIYIN_LOG_FORMAT must be json beside TIYIN_WORKERS=2 or more.",
    )


def test_no_error_and_no_repr_shows_a_secret() -> None:
    told = problems(
        {
            "TIYIN_DATABASE_URL": "hunter2",
            "TIYIN_VAULT_KEYS": "abc,hunter2",
            "TIYIN_PORT": "8600069195406311x",
        }
    )
    assert "hunter2" not in repr(told)
    assert "8600069195406311" not in repr(told)
    read = read_settings(Server, GOOD)
    assert "hunter2" not in f"{read} {read!r} {read.database_url} {read.database_url!s:>30}"
    assert read.database_url.reveal() == "postgresql://u:hunter2@db/x"


def test_a_long_value_is_told_in_short() -> None:
    assert len(problems({**GOOD, "TIYIN_PORT": "9" * 4000 + "x"})[0]) < 200


def test_secrets_compare_by_what_they_are() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a") != "a"
    assert copy.copy(Secret("a")) == Secret("a")


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("sqlite:///x\n")
    environ = {"TIYIN_PUBLIC_URL": "https://pay.uz", "TIYIN_DATABASE_URL_FILE": str(file)}
    assert read_settings(Server, environ).database_url == Secret("sqlite:///x")
    assert "both set" in problems({**environ, "TIYIN_DATABASE_URL": "x"})[0]
    assert "FileNotFoundError" in problems({**environ, "TIYIN_DATABASE_URL_FILE": str(tmp_path / "no")})[0]
    file.write_bytes(b"x" * 70_000)
    assert "longer than" in problems(environ)[0]
    file.write_text("\n")
    assert "is empty" in problems(environ)[0]


def test_a_declaration_that_cannot_be_read_is_a_mistake_of_ours() -> None:
    class Wrong(msgspec.Struct, frozen=True):
        rate: float

    class Twofold(msgspec.Struct, frozen=True):
        port: int | str

    for declared in (Wrong, Twofold):
        with pytest.raises(TypeError, match="setting"):
            read_settings(declared, {"TIYIN_RATE": "1", "TIYIN_PORT": "1"})
