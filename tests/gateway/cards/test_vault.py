"""The vault: what it seals opens in its place only, under its key only, and unchanged only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_cards import new_vault
from tiyin.gateway.vault import KeyRing, KeyRingError, SealBroken, Vault, new_vault_key

NUMBER = "8600069195406311"


@given(st.text(max_size=64), st.text(max_size=64))
def test_what_was_sealed_opens_in_its_place(secret: str, place: str) -> None:
    vault = new_vault()
    sealed = vault.seal(secret, place)
    assert secret == vault.open(sealed, place)
    with pytest.raises(SealBroken):
        vault.open(sealed, place + "x")


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_is_found(place: int, change: int) -> None:
    vault = new_vault()
    sealed = bytearray(vault.seal(NUMBER, "card:1"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        vault.open(bytes(sealed), "card:1")


@given(st.binary(max_size=80))
def test_any_bytes_are_refused(forged: bytes) -> None:
    with pytest.raises(SealBroken):
        new_vault().open(forged, "card:1")


def test_two_seals_of_one_secret_have_nothing_in_common() -> None:
    vault = new_vault()
    first, second = vault.seal(NUMBER, "card:1"), vault.seal(NUMBER, "card:1")
    assert first != second
    assert NUMBER.encode() not in first


def test_a_rotated_ring_opens_the_old_and_seals_with_the_new() -> None:
    old, rotating, new = new_vault("k1"), new_vault("k2", "k1"), new_vault("k2")
    sealed = old.seal(NUMBER, "card:1")
    assert rotating.open(sealed, "card:1") == NUMBER
    assert not rotating.is_current(sealed)
    again = rotating.reseal(sealed, "card:1")
    assert rotating.is_current(again)
    assert again == rotating.reseal(again, "card:1")
    assert new.open(again, "card:1") == NUMBER
    with pytest.raises(SealBroken, match="not on the ring"):
        new.open(sealed, "card:1")


def test_another_key_of_the_same_name_opens_nothing() -> None:
    sealed = new_vault("k1").seal(NUMBER, "card:1")
    with pytest.raises(SealBroken):
        Vault(KeyRing({"k1": b"x" * 32})).open(sealed, "card:1")


def test_fingerprints_find_equal_secrets_also_while_keys_rotate() -> None:
    old, rotating = new_vault("k1"), new_vault("k2", "k1")
    stored = old.fingerprint(NUMBER, "card")
    assert stored in rotating.fingerprints(NUMBER, "card")
    assert rotating.has_fingerprint(stored, NUMBER, "card")
    assert not rotating.has_fingerprint(stored, NUMBER[:-1] + "2", "card")
    assert not new_vault("k2").has_fingerprint(stored, NUMBER, "card")
    assert stored != old.fingerprint(NUMBER, "phone")
    assert NUMBER not in stored


def test_no_purpose_can_borrow_from_the_secret() -> None:
    vault = new_vault()
    assert vault.fingerprint("1234", "card") != vault.fingerprint("234", "card1")


def test_a_ring_is_read_from_its_setting() -> None:
    ring = KeyRing.read(f"{new_vault_key('k2')}, {new_vault_key('k1')}")
    assert ring.names == ("k2", "k1")
    assert ring.sealing_name == "k2"
    vault = Vault(ring)
    assert vault.open(vault.seal(NUMBER, "p"), "p") == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nocolon",
        "k1:",
        "k1:not base64!",
        "k1:" + base64.b64encode(b"short").decode(),
        f"{new_vault_key('k1')},{new_vault_key('k1')}",
        f"bad name:{base64.b64encode(bytes(32)).decode()}",
        ",".join(new_vault_key(f"k{n}") for n in range(17)),
    ],
    ids=["empty", "no colon", "no key", "not base64", "short", "one name twice", "bad name", "too many"],
)
def test_a_wrong_ring_is_refused_with_advice_and_without_the_key(text: str) -> None:
    with pytest.raises(KeyRingError) as refused:
        KeyRing.read(text)
    for part in text.split(","):
        encoded = part.partition(":")[2]
        assert not encoded or encoded not in str(refused.value)


def test_no_repr_shows_a_key() -> None:
    secret = b"-the secret key of thirty-two b-"
    ring = KeyRing({"k1": secret})
    assert repr(ring) == "KeyRing(k1)"
    assert repr(Vault(ring)) == "Vault(KeyRing(k1))"
