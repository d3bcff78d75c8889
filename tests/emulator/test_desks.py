"""The emulator's desks: which there are, and that an older data directory gets the later ones."""

import msgspec

from tiyin.emulator.desks import new_keys, with_later_desks

ORDER = ["billing", "virtual-terminal", "no-billing", "on-site"]


def test_a_new_emulator_has_every_desk_in_the_order_that_is_told() -> None:
    keys = new_keys()
    assert [desk.kind for desk in keys.desks] == ORDER
    assert len({desk.id for desk in keys.desks}) == len({desk.key for desk in keys.desks}) == len(ORDER)


def test_an_old_one_gets_the_later_desks_and_keeps_the_others_as_they_are() -> None:
    whole = new_keys()
    old = msgspec.structs.replace(whole, desks=whole.desks[:2])
    filled = with_later_desks(old)
    assert [desk.kind for desk in filled.desks] == ORDER
    assert filled.desks[:2] == old.desks
    assert (filled.vault_keys, filled.business_id) == (old.vault_keys, old.business_id)
    assert with_later_desks(filled) is filled


def test_an_old_state_is_known_by_what_the_old_release_knew() -> None:
    whole = new_keys()
    old = msgspec.structs.replace(whole, desks=whole.desks[:2])
    assert whole.oldest == old.oldest == old
