"""Ids are ordered and unique, secrets are unguessable, and one is never made of the other."""

import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.runtime.ids import Ids, SeededIds, SystemIds, new_code, new_key, new_token


@given(st.lists(st.integers(0, 2**48 - 1), min_size=1, max_size=20))
def test_an_id_is_its_moment_and_chance(moments: list[int]) -> None:
    ids: Ids = SystemIds()
    for moment in moments:
        made = ids.new(moment)
        assert re.fullmatch("[0-9a-f]{24}", made)
        assert int(made[:12], 16) == moment


def test_ids_of_one_moment_are_ordered_and_unlike() -> None:
    ids = SystemIds()
    made = [ids.new(1_700_000_000_000) for _ in range(20_000)]
    assert made == sorted(set(made))


def test_two_processes_do_not_make_the_same_ids() -> None:
    one, other = SystemIds(), SystemIds()
    made = [source.new(1_700_000_000_000) for source in (one, other) for _ in range(5000)]
    assert len(set(made)) == 10_000


def test_seeded_ids_repeat_themselves() -> None:
    moments = [5, 5, 5, 9, 9, 7]
    rows = [[SeededIds(seed).new(m) for m in moments] for seed in (1, 1, 2)]
    one, other = SeededIds(1), SeededIds(1)
    assert [one.new(m) for m in moments] == [other.new(m) for m in moments]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize("moment", [-1, 2**48])
def test_a_moment_out_of_bounds_is_refused(moment: int) -> None:
    with pytest.raises(ValueError, match="between"):
        SystemIds().new(moment)


def test_secrets_have_their_documented_shape() -> None:
    for _ in range(200):
        key = new_key()
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9?&%@*=]{34}[A-Za-z0-9]", key)
        assert re.search(r"[?&%@*=]", key)
        assert re.fullmatch("[0-9a-f]{24}_[A-Za-z0-9]{43}", new_token())
        assert re.fullmatch("[0-9]{6}", new_code())
    assert new_token("5e730e8e0b852a417aa49ceb").startswith("5e730e8e0b852a417aa49ceb_")
    assert len({new_key() for _ in range(100)} | {new_token() for _ in range(100)}) == 200


def test_codes_are_spread_evenly() -> None:
    """Sixty thousand digits, six thousand of each expected; 400 off is more than five standard deviations."""
    counts = Counter("".join(new_code() for _ in range(10_000)))
    assert all(abs(counts[digit] - 6000) < 400 for digit in "0123456789")


def test_secrets_do_not_come_from_the_seedable_source() -> None:
    random.seed(1)
    first = (new_key(), new_token(), new_code() + new_code() + new_code())
    random.seed(1)
    assert first != (new_key(), new_token(), new_code() + new_code() + new_code())
