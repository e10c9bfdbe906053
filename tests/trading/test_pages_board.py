"""Both venues' books seen from one side of the game."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trading.selectors.board import sides_of

ONE = 1_000_000
TEAMS = {"home": {"code": "WSH", "name": "Washington"}, "away": {"code": "ATL", "name": "Atlanta"}}


def market(venue: str, *, yes_is_home: bool | None, bids: Any = (), asks: Any = (), **changes: Any) -> dict[str, Any]:
    values = {
        "uid": f"{venue}-{yes_is_home}",
        "venue": venue,
        "yes_is_home": yes_is_home,
        "state": "open",
        "is_valid": True,
        "age_ms": 40,
        "bids": list(bids),
        "asks": list(asks),
        "trades": [],
        "fair_u": None,
        "baseline_u": None,
    }
    return {**values, **changes}


def sides(*markets: dict[str, Any]) -> dict[str, Any]:
    return {side.key: side for side in sides_of({"game": TEAMS, "markets": list(markets)})}


def test_a_venue_that_lists_only_the_opponent_is_turned_around():
    away = market("polymarket", yes_is_home=False, bids=[(400_000, 5 * ONE)], asks=[(420_000, 7 * ONE)], fair_u=410_000)
    (book,) = sides(away)["home"].books
    assert book.is_turned
    assert (book.bid_u, book.ask_u, book.fair_u) == (580_000, 600_000, 590_000)
    assert (book.bids[0].qty_u, book.asks[0].qty_u) == (7 * ONE, 5 * ONE)


def test_a_print_is_turned_with_its_side():
    away = market("polymarket", yes_is_home=False, trades=[[1, 400_000, ONE, "buy"]])
    (printed,) = sides(away)["home"].books[0].prints
    assert (printed.price_u, printed.side) == (600_000, "sell")


def test_where_a_draw_is_listed_no_market_is_turned():
    found = sides(market("kalshi", yes_is_home=False), market("kalshi", yes_is_home=None))
    assert found.keys() == {"away", "draw"}


def test_the_best_bid_and_ask_of_the_two_venues_are_marked():
    near = market("kalshi", yes_is_home=True, bids=[(580_000, ONE)], asks=[(600_000, ONE)])
    far = market("polymarket", yes_is_home=True, bids=[(570_000, ONE)], asks=[(590_000, ONE)])
    kalshi, polymarket = sides(near, far)["home"].books
    assert (kalshi.has_best_bid, kalshi.has_best_ask) == (True, False)
    assert (polymarket.has_best_bid, polymarket.has_best_ask) == (False, True)


def test_a_bid_above_the_other_venues_ask_is_told():
    bids = market("kalshi", yes_is_home=True, bids=[(620_000, ONE)], asks=[(630_000, ONE)])
    asks = market("polymarket", yes_is_home=True, bids=[(590_000, ONE)], asks=[(600_000, ONE)])
    assert sides(bids, asks)["home"].crossing_u == 20_000
    assert sides(asks)["home"].crossing_u is None


def test_an_empty_book_has_no_prices_and_no_spread():
    book = sides(market("kalshi", yes_is_home=True))["home"].books[0]
    assert (book.bid_u, book.ask_u, book.mid_u, book.spread_u) == (None, None, None, None)


prices = st.lists(st.integers(1, 99).map(lambda cents: cents * 10_000), unique=True, min_size=1, max_size=8)


@given(prices=prices, qty=st.integers(1, 10**12))
def test_seen_from_both_sides_a_book_adds_up_to_one(prices, qty):
    ladder = sorted(prices, reverse=True)
    both = sides(market("kalshi", yes_is_home=True, bids=[(price, qty) for price in ladder]))
    home, away = both["home"].books[0], both["away"].books[0]
    assert [level.price_u + turned.price_u for level, turned in zip(home.bids, away.asks, strict=True)] == [
        ONE for _ in home.bids
    ]
    assert all(1 <= level.share <= 100 for level in (*home.bids, *away.asks))
