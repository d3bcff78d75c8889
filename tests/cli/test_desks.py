"""`tiyin desk create` and `change`: every option, and sentences for what cannot be."""

from pathlib import Path

import pytest

from helpers_emulator import invoke


class Place:
    """A gateway's database, a business in it, and the commands."""

    def __init__(self, path: Path) -> None:
        self.environ = {
            "TIYIN_DATABASE_URL": f"sqlite:///{path / 'gateway.db'}",
            "TIYIN_VAULT_KEYS": invoke("vault", "new-key").stdout.strip(),
        }
        self.told("db", "upgrade")
        self.business = self.told("business", "create", "--name", "Choyxona").split()[1]

    def told(self, *words: str) -> str:
        ended = invoke(*words, environ=self.environ)
        assert ended.exit_code == 0, ended.stderr
        return ended.stdout

    def refused(self, *words: str) -> str:
        ended = invoke(*words, environ=self.environ)
        assert (ended.exit_code, "Traceback" in ended.stderr) == (2, False), ended.stdout + ended.stderr
        return ended.stderr

    def create(self, *options: str, kind: str = "billing") -> str:
        words = ("desk", "create", "--business", self.business, "--name", "Kassa", "--kind", kind)
        return self.told(*words, *options).split()[1]

    def lines(self, *words: str) -> dict[str, str]:
        """Change a desk; what is printed of it, by title."""
        said = self.told("desk", "change", *words)
        return {
            title: value.strip() for title, _, value in (line.partition(" ") for line in said.splitlines())
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_desk_is_made_with_all_that_it_needs(place: Place) -> None:
    fields = ("--account", "order_id=Заказ|Buyurtma|Order", "--account", "shop=Doʻkon")
    domains = ("--domain", "shop.uz", "--domain", "*.shop.uz", "--alias", "choyxona")
    bounds = ("--min", "1000", "--max", "12 000 000,50", "--commission", "1.5%")
    endpoint = ("--endpoint", "https://shop.example/payme")
    desk = place.create(*endpoint, *fields, "--holds", *domains, *bounds)
    assert place.lines(desk, "--name", "Choyxona") == {
        "desk": desk,
        "name": "Choyxona",
        "kind": "billing",
        "state": "active",
        "endpoint": "https://shop.example/payme",
        "account": "order_id (Заказ | Buyurtma | Order), shop (Doʻkon | Doʻkon | Doʻkon)",
        "amount": "UZS 1,000 to UZS 12,000,000.50",
        "commission": "1.5 %",
        "holds": "yes",
        "alias": "choyxona",
        "domains": "shop.uz, *.shop.uz",
    }


def test_only_what_is_named_is_changed(place: Place) -> None:
    desk = place.create("--holds", "--domain", "shop.uz", "--alias", "first", kind="virtual-terminal")
    before = place.lines(desk, "--commission", "2")
    assert (before["account"], before["commission"], before["amount"]) == (
        "any",
        "2 %",
        "UZS 0.01 to UZS 100,000,000,000",
    )
    after = place.lines(
        desk, "--no-holds", "--domain", "", "--alias", "", "--blocked", "--account", "card_id=Karta"
    )  # fmt: skip
    changed = {
        "holds": "no",
        "domains": "none",
        "alias": "none",
        "state": "blocked",
        "account": "card_id (Karta | Karta | Karta)",
    }
    assert after == {**before, **changed}
    assert place.lines(desk, "--active", "--account", "")["account"] == "any"


REFUSED = [
    (["--min", "12.345"], "--min is a number of sums with at most two decimals"),
    (["--max", "-5"], "--max is a number of sums"),
    (["--max", "1e6"], "--max is a number of sums"),
    (["--commission", "101"], "commission_basis_points must lie between"),
    (["--min", "0"], "amount_tiyin_min must lie between"),
    (["--min", "10", "--max", "5"], "amount_tiyin_max must lie between"),
    (["--domain", "https://shop.uz/"], "is not a host name"),
    (["--alias", "No"], "alias must be"),
    (["--account", "order_id=Заказ|Buyurtma"], "in three languages as RU|UZ|EN"),
    (["--account", "transaction"], "choose another name"),
    (["--endpoint", "https://shop.example/payme"], "does not belong to a virtual-terminal desk"),
    ([], "Nothing to change"),
]


def test_what_cannot_be_is_refused_with_a_sentence(place: Place) -> None:
    desk = place.create(kind="virtual-terminal")
    before = place.lines(desk, "--name", "Kassa")
    for options, said in REFUSED:
        assert said in place.refused("desk", "change", desk, *options)
    assert place.lines(desk, "--name", "Kassa") == before


def test_an_alias_belongs_to_one_desk_and_a_desk_must_be_there(place: Place) -> None:
    place.create("--alias", "choyxona", kind="virtual-terminal")
    other = place.create(kind="virtual-terminal")
    assert "belongs to another cash desk" in place.refused("desk", "change", other, "--alias", "choyxona")
    words = ("desk", "create", "--business", place.business, "--name", "Kassa", "--kind", "virtual-terminal")
    assert "belongs to another cash desk" in place.refused(*words, "--alias", "choyxona")
    assert "There is no cash desk" in place.refused("desk", "change", "0" * 24, "--holds")
