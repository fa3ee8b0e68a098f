"""Random ids and numbers that are fetched ahead."""

from __future__ import annotations

from bot.service.draws import AHEAD_BYTES, Draws


def test_nothing_is_handed_out_twice() -> None:
    """Also where one fetch ends and the next begins."""
    draws = Draws()
    count = 3 * AHEAD_BYTES // 16 + 1
    ids = {draws.id() for _ in range(count)}
    assert len(ids) == count
    assert {len(each) for each in ids} == {32}
    assert all(set(each) <= set("0123456789abcdef") for each in ids)


def test_numbers_have_so_many_bits() -> None:
    draws = Draws()
    numbers = [draws.number(53) for _ in range(1000)]
    assert all(0 <= each < 2**53 for each in numbers)
    assert max(numbers) > 2**52
    assert len(set(numbers)) == 1000
