"""The market channel as a state machine: one book per condition, proven or not published."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.polymarket.integrity import book_hash
from venues.polymarket.markets import Routing, bands, routing_text
from venues.polymarket.micro import decimal_text
from venues.polymarket.schemas import WireBook, WireLevel
from venues.polymarket.stream import MarketChannel
from venues.types import (
    MICRO,
    BookGap,
    BookLevel,
    BookSnapshot,
    MarketKind,
    MarketListed,
    MarketState,
    MarketStateChanged,
    PublicTrade,
    Side,
    Venue,
    VenueMarket,
)

CONDITION = "0xc0"
SECOND = 1_000_000
MARKET = VenueMarket(
    market_id="polymarket:0xc0",
    venue=Venue.POLYMARKET,
    native_id=CONDITION,
    event_id="1",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="A vs. B",
    yes_label="A",
    no_label="B",
    bands=bands(10_000),
    routing=routing_text(Routing("101", "102")),
)


def channel() -> MarketChannel:
    made = MarketChannel()
    made.watch([MARKET])
    made.opened()
    return made


def book(asset: str = "101", bids: Any = (("0.39", "100"),), asks: Any = (("0.41", "80"),), **more: Any) -> bytes:
    frame = {
        "event_type": "book",
        "market": CONDITION,
        "asset_id": asset,
        "timestamp": "1791418200123",
        "bids": [{"price": price, "size": size} for price, size in bids],
        "asks": [{"price": price, "size": size} for price, size in asks],
    }
    return msgspec.json.encode([frame | more])


def change(asset: str, price: str, size: str, side: str, bid: str = "", ask: str = "") -> dict[str, str]:
    return {"asset_id": asset, "price": price, "size": size, "side": side, "best_bid": bid, "best_ask": ask}


def changes(*entries: dict[str, str]) -> bytes:
    return msgspec.json.encode(
        {"event_type": "price_change", "market": CONDITION, "timestamp": "1791418201000", "price_changes": entries}
    )


SNAPSHOT = BookSnapshot(MARKET.market_id, ((390_000, 100 * MICRO),), ((410_000, 80 * MICRO),), 1791418200123)


def test_a_connection_begins_by_subscribing_both_tokens() -> None:
    made = MarketChannel()
    made.watch([MARKET])
    assert made.outgoing == []
    first = msgspec.json.decode(made.opened())
    assert first == {"type": "market", "assets_ids": ["101", "102"], "custom_feature_enabled": True}


def test_a_snapshot_and_its_changes_are_told_in_the_yes_frame() -> None:
    made = channel()
    assert made.feed(book(), 0) == [SNAPSHOT]
    out = made.feed(
        changes(change("101", "0.4", "25", "BUY", "0.4", "0.41"), change("102", "0.6", "25", "SELL", "0.59", "0.6")), 1
    )
    assert out == [BookLevel(MARKET.market_id, True, 400_000, 25 * MICRO, 1791418201000)]


def test_the_mirror_is_used_only_where_yes_is_missing() -> None:
    made = channel()
    assert made.feed(book("102", bids=[("0.59", "80")], asks=[("0.61", "100")]), 0) == [SNAPSHOT]
    assert made.feed(book("102", bids=[("0.5", "1")], asks=[]), 0) == []
    out = made.feed(changes(change("102", "0.6", "25", "SELL")), 1)
    assert out == [BookLevel(MARKET.market_id, True, 400_000, 25 * MICRO, 1791418201000)]


def test_a_zero_removes_the_level_and_an_equal_snapshot_is_no_news() -> None:
    made = channel()
    made.feed(book(), 0)
    (removed,) = made.feed(changes(change("101", "0.39", "0", "BUY", "0", "0.41")), 1)
    assert isinstance(removed, BookLevel) and removed.qty_u == 0
    assert made.feed(book(bids=()), 2) == []


def test_changes_before_a_snapshot_are_not_believed() -> None:
    made = channel()
    assert made.feed(changes(change("101", "0.4", "25", "BUY")), 0) == []
    assert made.counts["price_change_without_book"] == 1


def test_a_crossed_book_is_not_published_any_more() -> None:
    made = channel()
    made.feed(book(), 0)
    out = made.feed(changes(change("101", "0.41", "5", "BUY", "0.41", "0.41")), SECOND)
    assert out[-1] == BookGap(MARKET.market_id, "crossed")
    texts = [msgspec.json.decode(text) for text in made.outgoing]
    assert [text["operation"] for text in texts] == ["unsubscribe", "subscribe"]
    assert made.feed(changes(change("101", "0.4", "5", "BUY")), SECOND + 1) == []
    assert made.feed(book(), SECOND + 2) == [SNAPSHOT]


def test_a_crossed_snapshot_is_refused() -> None:
    made = channel()
    (gap,) = made.feed(book(bids=[("0.5", "1")], asks=[("0.4", "1")]), SECOND)
    assert gap == BookGap(MARKET.market_id, "impossible snapshot")


def test_other_best_prices_twice_in_a_row_are_a_gap() -> None:
    """A lost frame: the venue has a bid at 0.40 that we never heard of."""
    made = channel()
    made.feed(book(), 0)
    once = made.feed(changes(change("101", "0.3", "5", "BUY", "0.4", "0.41")), SECOND)
    assert not any(isinstance(message, BookGap) for message in once)
    twice = made.feed(changes(change("101", "0.29", "5", "BUY", "0.4", "0.41")), 2 * SECOND)
    assert twice[-1] == BookGap(MARKET.market_id, "other best prices than the venue's")


def test_a_market_is_not_subscribed_anew_more_than_once_a_second() -> None:
    made = channel()
    for step in range(5):
        made.feed(book(bids=[("0.5", "1")], asks=[("0.4", "1")]), SECOND + step)
    assert len(made.outgoing) == 2
    assert made.unproven(asked_before_us=SECOND) == []
    assert made.unproven(asked_before_us=2 * SECOND) == [MARKET]


def test_a_wrong_hash_counts_once_the_recipe_has_been_right() -> None:
    made = channel()
    terms = {"min_order_size": "5", "tick_size": "0.01", "neg_risk": False, "last_trade_price": "0.4"}
    whole = WireBook(
        market=CONDITION,
        asset_id="101",
        timestamp="1791418200123",
        bids=[WireLevel("0.39", "100")],
        asks=[WireLevel("0.41", "80")],
        **terms,
    )
    unproven = made.feed(book(hash="0" * 40, **terms), SECOND)
    assert unproven == [SNAPSHOT] and made.book_proof.mismatches == 1
    made.feed(book(hash=book_hash(whole), **terms), SECOND)
    assert made.book_proof.matches == 1
    (gap,) = made.feed(book(hash="0" * 40, **terms), SECOND)
    assert gap == BookGap(MARKET.market_id, "hash mismatch")


def test_changed_books_are_held_against_their_hash_in_samples() -> None:
    """The first change of a connection proves the recipe; a wrong hash is found within the next 1,024."""
    made = channel()
    terms = {"min_order_size": "5", "tick_size": "0.01", "neg_risk": False, "last_trade_price": "0.4"}
    made.feed(book(**terms), 0)
    bids, asks = [WireLevel("0.38", "7"), WireLevel("0.39", "100")], [WireLevel("0.41", "80")]
    stamp = "1791418201000"
    changed = WireBook(market=CONDITION, asset_id="101", timestamp=stamp, bids=bids, asks=asks, **terms)
    told = change("101", "0.38", "7", "BUY", "0.39", "0.41")
    made.feed(changes(told | {"hash": book_hash(changed)}), 1)
    assert made.change_proof.matches == 1
    wrong = changes(told | {"hash": "0" * 40})
    out = [message for _ in range(1_024) for message in made.feed(wrong, SECOND)]
    assert out[-1] == BookGap(MARKET.market_id, "hash mismatch")


def test_a_book_read_by_rest_fills_in_only_where_there_is_none() -> None:
    made = channel()
    rest = WireBook(
        market=CONDITION,
        asset_id="101",
        timestamp="1791418200123",
        bids=[WireLevel("0.39", "100")],
        asks=[WireLevel("0.41", "80")],
    )
    assert made.rest_book(rest) == [SNAPSHOT]
    assert made.rest_book(rest) == []


def test_a_lost_connection_distrusts_every_book() -> None:
    made = channel()
    made.feed(book(), 0)
    assert made.closed("gone") == [BookGap(MARKET.market_id, "gone")]
    assert made.closed("gone") == []


@pytest.mark.parametrize(
    ("asset", "price", "side", "yes_price_u", "taker"),
    [
        ("101", "0.41", "BUY", 410_000, Side.BUY),
        ("101", "0.39", "SELL", 390_000, Side.SELL),
        ("102", "0.61", "BUY", 390_000, Side.SELL),
        ("102", "0.59", "SELL", 410_000, Side.BUY),
    ],
)
def test_a_trade_of_either_token_is_a_trade_of_yes(
    asset: str, price: str, side: str, yes_price_u: int, taker: Side
) -> None:
    frame = {
        "event_type": "last_trade_price",
        "market": CONDITION,
        "asset_id": asset,
        "price": price,
        "size": "10",
        "side": side,
        "fee_rate_bps": "",
        "timestamp": "1791418202000",
        "transaction_hash": "0xaa",
    }
    (trade,) = channel().feed(msgspec.json.encode(frame), 0)
    assert trade == PublicTrade(MARKET.market_id, "0xaa", yes_price_u, 10 * MICRO, taker, 1791418202000)


def test_a_new_tick_size_gives_new_terms_and_a_new_book() -> None:
    made = channel()
    made.feed(book(), 0)
    frame = {
        "event_type": "tick_size_change",
        "market": CONDITION,
        "asset_id": "101",
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": "1",
    }
    listed, gap = made.feed(msgspec.json.encode([frame, frame | {"asset_id": "102"}]), SECOND)
    assert isinstance(listed, MarketListed) and listed.market.tick_u(15_000) == 1_000
    assert gap == BookGap(MARKET.market_id, "tick size changed")


@pytest.mark.parametrize(("winner", "value_u"), [("101", MICRO), ("102", 0), ("", MICRO // 2)])
def test_a_resolution_names_what_yes_pays(winner: str, value_u: int) -> None:
    frame = {"event_type": "market_resolved", "market": CONDITION, "winning_asset_id": winner, "timestamp": "5"}
    (changed,) = channel().feed(msgspec.json.encode(frame), 0)
    assert isinstance(changed, MarketStateChanged)
    assert (changed.state, changed.settlement_value_u) == (MarketState.DETERMINED, value_u)


def test_a_winner_that_is_neither_outcome_is_no_draw() -> None:
    made = channel()
    frame = {"event_type": "market_resolved", "market": CONDITION, "winning_asset_id": "103", "timestamp": "5"}
    assert [type(message) for message in made.feed(msgspec.json.encode(frame), SECOND)] == [BookGap]
    assert made.counts["unreadable"] == 1


def test_one_odd_object_does_not_take_the_others_with_it() -> None:
    made = channel()
    good = msgspec.json.decode(book())[0]
    frame = msgspec.json.encode([{"event_type": "brand_new"}, 7, good, {"event_type": "book", "market": "0xother"}])
    assert made.feed(frame, 0) == [SNAPSHOT]
    assert (made.counts["unknown_frame"], made.counts["unreadable"]) == (2, 1)


@pytest.mark.parametrize(
    "bad",
    [
        change("101", "NaN", "1", "BUY"),
        change("101", "-0.4", "1", "BUY"),
        change("101", "0.4", "99999999999999", "BUY"),
        change("101", "1.5", "1", "BUY"),
        change("101", "0.4", "1", "LEFT"),
    ],
)
def test_an_impossible_level_is_a_gap_and_no_crash(bad: dict[str, str]) -> None:
    made = channel()
    made.feed(book(), 0)
    assert isinstance(made.feed(changes(bad), SECOND)[-1], BookGap)


def test_a_level_of_a_wrong_type_is_a_gap_and_no_crash() -> None:
    made = channel()
    made.feed(book(), 0)
    frame = b'{"event_type":"price_change","market":"0xc0","timestamp":"1","price_changes":[{"asset_id":"101"}]}'
    assert isinstance(made.feed(frame, SECOND)[-1], BookGap)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_no_frame_whatever_makes_it_raise(frame: bytes | str) -> None:
    assert channel().feed(frame, 0) == []


NAMES = ["event_type", "market", "asset_id", "bids", "asks", "timestamp", "price_changes", "price", "size", "side"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(
    st.sampled_from(["book", "price_change", "last_trade_price", "tick_size_change", "market_resolved"]), json_values
)
def test_no_shape_of_a_known_frame_makes_it_raise(kind: str, value: Any) -> None:
    made = channel()
    made.feed(book(), 0)
    fields = value if isinstance(value, dict) else {"price_changes": value}
    made.feed(msgspec.json.encode(fields | {"event_type": kind, "market": CONDITION}), SECOND)


levels = st.dictionaries(st.integers(1, 49), st.integers(1, 10**6), max_size=8)


@given(bids=levels, asks=levels)
def test_both_tokens_describe_the_same_book(bids: dict[int, int], asks: dict[int, int]) -> None:
    """The NO book of a market is the mirror of its YES book, whichever of them arrives."""
    yes_bids = [(price * 10_000, qty * 10_000) for price, qty in bids.items()]
    yes_asks = [((100 - price) * 10_000, qty * 10_000) for price, qty in asks.items()]
    no_bids, no_asks = [[(MICRO - p, q) for p, q in side] for side in (yes_asks, yes_bids)]
    (told,) = channel().feed(book("101", _texts(yes_bids), _texts(yes_asks)), 0)
    (mirrored,) = channel().feed(book("102", _texts(no_bids), _texts(no_asks)), 0)
    assert told == mirrored


def _texts(side: list[tuple[int, int]]) -> list[tuple[str, str]]:
    return [(decimal_text(price_u), decimal_text(qty_u)) for price_u, qty_u in side]
