"""The order book against a naive model, and its edges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venues.book import Book, Sweep

prices = st.sampled_from([1, 99, 100, 10_000, 10_001, 250_000, 490_000, 500_000, 510_000, 990_000, 999_999])
updates = st.lists(
    st.tuples(st.booleans(), prices, st.integers(-5_000_000, 5_000_000), st.booleans()), min_size=1, max_size=60
)


def ready() -> Book:
    book = Book()
    assert book.apply_snapshot([(480_000, 5_000_000), (470_000, 1_000_000)], [(500_000, 2_000_000), (510_000, 4)])
    return book


@settings(max_examples=300, deadline=None)
@given(updates)
def test_every_sequence_of_updates_gives_what_a_naive_book_gives(steps: list[tuple[bool, int, int, bool]]) -> None:
    book, naive, is_valid = Book(), {True: {}, False: {}}, True
    book.apply_snapshot((), ())
    for is_bid, price_u, amount_u, is_total in steps:
        qty_u = amount_u if is_total else naive[is_bid].get(price_u, 0) + amount_u
        answered = (book.set_level if is_total else book.apply_delta)(is_bid, price_u, amount_u)
        is_valid = is_valid and qty_u >= 0
        assert answered is is_valid is book.is_valid
        if not is_valid:
            return
        naive[is_bid][price_u] = qty_u
        naive[is_bid] = {price: qty for price, qty in naive[is_bid].items() if qty}
        assert book.best_bid_u == max(naive[True], default=0)
        assert book.best_ask_u == min(naive[False], default=0)
        assert book.levels(True) == sorted(naive[True].items(), reverse=True)
        assert book.levels(False, 3) == sorted(naive[False].items())[:3]


@given(
    st.dictionaries(prices, st.integers(1, 9_000_000), max_size=8),
    st.integers(0, 30_000_000),
    prices,
    st.booleans(),
)
def test_taking_never_passes_the_limit_nor_the_depth(
    levels: dict[int, int], qty_u: int, limit_u: int, is_buy: bool
) -> None:
    book = Book()
    book.apply_snapshot(() if is_buy else levels.items(), levels.items() if is_buy else ())
    sweep = book.cost_to_take(is_buy, qty_u, limit_u)
    assert sweep.filled_u == min(qty_u, book.depth_to(not is_buy, limit_u))
    if sweep.filled_u:
        assert sweep.worst_price_u <= limit_u if is_buy else sweep.worst_price_u >= limit_u


def test_a_new_book_is_invalid_until_its_first_snapshot() -> None:
    book = Book()
    assert not book.apply_delta(True, 500_000, 1)
    assert not book.is_valid
    assert book.apply_snapshot([(500_000, 1)], ())
    assert book.is_valid


def test_a_delta_below_zero_makes_the_book_invalid_and_only_a_snapshot_heals_it() -> None:
    book = ready()
    assert not book.apply_delta(True, 480_000, -5_000_001)
    assert not book.is_valid
    assert book.qty_at(True, 480_000) == 5_000_000
    assert not book.set_level(True, 480_000, 7)
    assert book.apply_snapshot([(480_000, 7)], [])
    assert book.best_bid_qty_u == 7


@pytest.mark.parametrize("price_u", [0, 1_000_000, -10_000, 2_000_000])
def test_a_price_off_the_range_makes_the_book_invalid(price_u: int) -> None:
    book = ready()
    assert not book.set_level(False, price_u, 1)
    assert not book.is_valid


@pytest.mark.parametrize("bids", [[(0, 1)], [(500_000, -1)], [(500_000, 1), (500_000, 2)]])
def test_a_bad_snapshot_leaves_an_empty_invalid_book(bids: list[tuple[int, int]]) -> None:
    book = ready()
    assert not book.apply_snapshot(bids, [])
    assert (book.is_valid, book.best_bid_u, book.best_ask_u, book.levels(True)) == (False, 0, 0, [])


def test_bests_mid_and_spread_follow_the_loss_of_the_best_level() -> None:
    book = ready()
    assert (book.best_bid_u, book.best_ask_u, book.mid_u2, book.spread_u) == (480_000, 500_000, 980_000, 20_000)
    book.set_level(True, 480_000, 0)
    book.apply_delta(False, 500_000, -2_000_000)
    assert (book.best_bid_u, book.best_ask_u, book.best_ask_qty_u) == (470_000, 510_000, 4)
    book.set_level(False, 510_000, 0)
    assert (book.best_ask_u, book.mid_u2, book.spread_u, book.best_ask_qty_u) == (0, 0, 0, 0)


def test_a_crossed_book_says_so_and_an_empty_side_does_not() -> None:
    book = ready()
    assert not book.is_crossed
    book.set_level(True, 500_000, 1)
    assert book.is_crossed
    book.apply_snapshot([(999_999, 1)], [])
    assert not book.is_crossed


def test_buying_rounds_the_cost_up_and_selling_rounds_the_proceeds_down() -> None:
    book = Book()
    book.apply_snapshot([(333_333, 1)], [(333_334, 1)])
    assert book.cost_to_take(True, 10, 999_999) == Sweep(1, 1, 333_334)
    assert book.cost_to_take(False, 10, 1) == Sweep(1, 0, 333_333)


def test_a_sweep_walks_several_levels_and_rounds_once() -> None:
    assert ready().cost_to_take(True, 2_000_003, 510_000) == Sweep(2_000_003, 1_000_002, 510_000)
    assert ready().cost_to_take(False, 6_000_000, 475_000) == Sweep(5_000_000, 2_400_000, 480_000)


def test_books_with_the_same_levels_are_equal() -> None:
    assert ready() == ready()
    assert ready() != Book()
    assert ready() != "a book"
