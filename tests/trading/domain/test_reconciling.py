"""What differs between two sets of books is found whole, and nothing is found where they are equal."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.reconciling import Difference, DifferenceKind, OurOrder, Ours, Theirs, compare, confirmed

MARKETS = st.sampled_from([f"kalshi:M{number}" for number in range(6)])
QUANTITIES = st.tuples(st.integers(0, 50).map(lambda n: n * 10_000), st.integers(0, 50).map(lambda n: n * 10_000))
POSITIONS = st.dictionaries(MARKETS, QUANTITIES, max_size=6)
FILLS = st.dictionaries(st.sampled_from([f"t{number}/taker" for number in range(8)]), st.integers(1, 10**9))
NAMES = [f"cs1-{number}" for number in range(6)]


def an_order(name: str, **changes: object) -> OurOrder:
    values = {"venue_order_id": f"v-{name}", "market_id": "kalshi:M0", "is_open": True, "is_busy": False}
    return OurOrder(**{"name": name, "filled_u": 0, "unseen_u": 0, **values, **changes})  # type: ignore[arg-type]


@st.composite
def books(draw: st.DrawFn) -> tuple[Ours, Theirs]:
    """The same account twice, equal to the last unit."""
    cash_u, positions, fills = draw(st.integers(-(10**12), 10**12)), draw(POSITIONS), draw(FILLS)
    orders = tuple(an_order(name) for name in draw(st.sets(st.sampled_from(NAMES))))
    known = frozenset(one for order in orders for one in (order.name, order.venue_order_id))
    open_there = {order.venue_order_id: (order.name, order.market_id, 0) for order in orders}
    ours = Ours(cash_u=cash_u, positions=positions, orders=orders, known_orders=known, fills=fills)
    return ours, Theirs(cash_u=cash_u, positions=positions, orders=open_there, fills=fills)


def kinds(ours: Ours, theirs: Theirs) -> list[DifferenceKind]:
    return [one.kind for one in compare(ours, theirs)]


@given(books())
def test_equal_books_differ_in_nothing(both: tuple[Ours, Theirs]) -> None:
    assert compare(*both) == ()


@given(books(), MARKETS, QUANTITIES)
def test_every_position_that_differs_is_found_with_both_figures(
    both: tuple[Ours, Theirs], market_id: str, held: tuple[int, int]
) -> None:
    ours, theirs = both
    theirs = msgspec.structs.replace(theirs, positions={**theirs.positions, market_id: held})
    mine = ours.positions.get(market_id, (0, 0))
    expected = [(mine_u, yours_u) for mine_u, yours_u in zip(mine, held, strict=True) if mine_u != yours_u]
    found = compare(ours, theirs)
    assert sorted((one.ours_u, one.theirs_u) for one in found) == sorted(expected)
    assert {one.market_id for one in found} <= {market_id}


@given(books(), st.integers(-(10**9), 10**9))
def test_cash_is_compared_to_the_last_unit(both: tuple[Ours, Theirs], gap_u: int) -> None:
    ours, theirs = both
    found = compare(ours, msgspec.structs.replace(theirs, cash_u=theirs.cash_u + gap_u))
    assert [one.gap_u for one in found] == ([gap_u] if gap_u else [])


@given(books())
def test_every_order_that_only_one_side_has_is_found(both: tuple[Ours, Theirs]) -> None:
    ours, theirs = both
    gone = compare(ours, msgspec.structs.replace(theirs, orders={}))
    assert [one.kind for one in gone] == [DifferenceKind.GHOST] * len(ours.orders)
    nobodys = compare(msgspec.structs.replace(ours, orders=(), known_orders=frozenset()), theirs)
    assert [one.kind for one in nobodys] == [DifferenceKind.UNKNOWN_ORDER] * len(theirs.orders)


@given(books())
def test_every_order_that_is_over_here_and_open_there_is_found(both: tuple[Ours, Theirs]) -> None:
    ours, theirs = both
    over = msgspec.structs.replace(ours, orders=(), ended_orders=frozenset(one.name for one in ours.orders))
    found = compare(over, theirs)
    assert [one.kind for one in found] == [DifferenceKind.UNKNOWN_ORDER] * len(theirs.orders)
    assert all("over in our books" in one.text for one in found)


@given(books(), st.sampled_from([f"t{number}/taker" for number in range(8)]))
def test_a_fill_that_only_one_side_has_is_found(both: tuple[Ours, Theirs], key: str) -> None:
    ours, theirs = both
    without = {name: qty_u for name, qty_u in theirs.fills.items() if name != key}
    expected = [DifferenceKind.FILL] * (key in theirs.fills)
    assert kinds(ours, msgspec.structs.replace(theirs, fills=without)) == expected
    assert kinds(msgspec.structs.replace(ours, fills=without), theirs) == expected


def test_an_order_that_is_on_its_way_is_no_ghost_and_its_money_is_not_judged() -> None:
    ours = Ours(cash_u=10, positions={}, orders=(an_order("cs1-a", is_busy=True),), is_busy=True)
    assert compare(ours, Theirs(cash_u=3, positions={})) == ()
    unknown = Ours(cash_u=10, positions={}, orders=(an_order("cs1-a", is_open=False),))
    assert compare(unknown, Theirs(cash_u=10, positions={})) == (), "no answer yet: that is not a ghost"


def test_what_the_venue_says_is_filled_and_nobody_told_is_found() -> None:
    ours = Ours(cash_u=0, positions={}, orders=(an_order("cs1-a", is_open=False, filled_u=8, unseen_u=2),))
    (found,) = compare(ours, Theirs(cash_u=0, positions={}))
    assert (found.kind, found.ours_u, found.theirs_u) == (DifferenceKind.UNSEEN_FILL, 8, 10)


def test_a_market_that_is_being_settled_is_judged_when_that_is_over() -> None:
    ours = Ours(cash_u=5, positions={"kalshi:M1": (10, 0)}, moving=frozenset({"kalshi:M1"}), is_busy=True)
    assert compare(ours, Theirs(cash_u=15, positions={})) == ()
    over = msgspec.structs.replace(ours, moving=frozenset(), is_busy=False)
    assert kinds(over, Theirs(cash_u=15, positions={})) == [DifferenceKind.CASH, DifferenceKind.POSITION]


def test_our_own_books_disagreeing_is_a_difference() -> None:
    assert kinds(Ours(cash_u=0, positions={}, ledger=("cash is kept as 1",)), Theirs(cash_u=0, positions={})) == [
        DifferenceKind.LEDGER
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), max_size=8), st.data())
def test_only_what_stands_in_both_reads_with_the_same_gap_is_confirmed(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    first = [a_difference(f"k{key}", gap_u) for key, gap_u in dict(rows).items()]
    second = [one for one in first if data.draw(st.booleans())]
    moved = [msgspec.structs.replace(one, theirs_u=one.theirs_u + 1) for one in first if one not in second]
    assert confirmed(first, [*second, *moved]) == tuple(second)
    assert confirmed((), second) == () and confirmed(second, ()) == ()


def a_difference(key: str, gap_u: int) -> Difference:
    return Difference(kind=DifferenceKind.POSITION, key=key, text=key, theirs_u=gap_u)
