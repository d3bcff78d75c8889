"""What a type hides from its `repr` is hidden from everything that shows objects."""

import importlib
import pkgutil

import msgspec
from rich.pretty import pretty_repr

import tiyin
from tiyin.protocol.cards_api import CardParams
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.receipts_api import ReceiptsPayParams

OPTIONAL = ("django", "__main__", "migrations")


def structs() -> set[type[msgspec.Struct]]:
    for module in pkgutil.walk_packages(tiyin.__path__, "tiyin."):
        if not any(part in module.name for part in OPTIONAL):
            importlib.import_module(module.name)
    found: set[type[msgspec.Struct]] = set()
    left = [msgspec.Struct]
    while left:
        for one in left.pop().__subclasses__():
            found.add(one)
            left.append(one)
    return {one for one in found if one.__module__.startswith("tiyin.")}


def test_every_struct_with_a_repr_of_its_own_is_shown_by_it() -> None:
    """Goal: nobody who hides a field from `repr` forgets what rich and structlog look at."""
    own = {one for one in structs() if one.__repr__ is not msgspec.Struct.__repr__}
    assert len(own) > 30
    assert {one.__qualname__ for one in own if one.__rich_repr__ is not rich_repr} == set()


def test_what_is_shown() -> None:
    card = CardParams(number="8600069195406311", expire="0399")
    assert pretty_repr(card) == repr(card) == "CardParams(number='860006******6311', expire=<hidden>)"
    pay = ReceiptsPayParams(id="1", token="secret")
    assert pretty_repr([pay]) == f"[{pay!r}]"
