"""What the house quotes: whole books around a price, and makers that follow the score."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from tests.venues.simulator.worlds import generated_world
from venues.simulator.exchange_types import BookChanged, ExchangeEvent, Traded
from venues.simulator.flow.quoted import BookShape, Quoted, book_around
from venues.types import MICRO, Venue

shapes = st.builds(BookShape, st.floats(0.5, 3.0), st.integers(1, 12), st.integers(1, 5_000))


def quoted(ticker: str = "KXNBAGAME-26NOV20ATLWAS-WAS") -> Quoted:
    return Quoted(venue=Venue.KALSHI, native_id=ticker, side="home", number=zlib.crc32(ticker.encode()))


@given(price=st.floats(0.0, 1.0), shape=shapes, generation=st.integers(0, 1_000))
def test_a_book_never_crosses_lies_on_whole_cents_and_has_its_tails(
    price: float, shape: BookShape, generation: int
) -> None:
    bids, asks = book_around(quoted(), price, shape, generation)
    assert bids[-1] == (10_000, 1_000_000 * MICRO) and asks[-1] == (990_000, 1_000_000 * MICRO)
    assert bids[0][0] < asks[0][0]
    for ladder, direction in ((bids, -1), (asks, 1)):
        prices = [price_u for price_u, _ in ladder]
        assert prices == sorted(set(prices), reverse=direction < 0)
        assert all(price_u % 10_000 == 0 and 0 < price_u < MICRO for price_u in prices)
        assert all(qty_u > 0 for _, qty_u in ladder)


@given(price=st.floats(0.15, 0.85), generation=st.integers(0, 100))
def test_a_move_of_one_cent_leaves_most_levels_as_they_were(price: float, generation: int) -> None:
    shape = BookShape(0.55, 6, 900)
    before, after = (book_around(quoted(), p, shape, generation) for p in (price, price + 0.01))
    changed = set(before[0] + before[1]) ^ set(after[0] + after[1])
    assert len(changed) <= 8


def test_makers_follow_a_score_within_seconds_kalshi_first_on_the_whole() -> None:
    world, build = generated_world()
    changed_ms: dict[str, int] = {}
    delays: dict[Venue, list[int]] = {venue: [] for venue in Venue}
    owner = {q.native_id: (c.game.fixture.event_id, q.venue) for c in world.contests for q in c.quoted}
    last = {c.game.fixture.event_id: c.game.odds.home for c in world.contests}

    def on_game(contest: object, now_ms: int) -> None:
        for each in world.contests:
            event_id, home = each.game.fixture.event_id, each.game.odds.home
            if abs(home - last.get(event_id, home)) > 0.03:
                changed_ms[event_id] = now_ms
            last[event_id] = home

    def on_event(event: ExchangeEvent) -> None:
        if isinstance(event, BookChanged) and event.native_id in owner:
            event_id, venue = owner[event.native_id]
            if event_id in changed_ms and 0 < event.venue_ms - changed_ms[event_id] < 5_000:
                delays[venue].append(event.venue_ms - changed_ms[event_id])

    world.game_listeners.append(on_game)
    for exchange in build.exchanges.values():
        exchange.subscribe(on_event)
    world.advance(world.now_ms + 1_800_000)
    means = {venue: sum(found) / len(found) for venue, found in delays.items()}
    assert 200 < means[Venue.KALSHI] < means[Venue.POLYMARKET] < 4_000


def test_ten_games_make_about_a_hundred_events_a_second_at_speed_ten_to_twenty() -> None:
    world, build = generated_world()
    seen: list[ExchangeEvent] = []
    for exchange in build.exchanges.values():
        exchange.subscribe(seen.append)
    world.advance(world.now_ms + 1_200_000)
    public = sum(isinstance(event, BookChanged | Traded) for event in seen)
    assert 30 < public / 1_200 * 15 < 200
    assert sum(isinstance(event, Traded) for event in seen) > 100
