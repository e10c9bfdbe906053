"""The world: one time line, both venues, nothing that depends on pace or clients."""

from __future__ import annotations

import msgspec

from tests.venues.simulator.worlds import builder, generated_world
from venues.simulator.exchange_types import NewOrder
from venues.simulator.flow.quoted import Quoted
from venues.simulator.world_build import Builder, SavedContest
from venues.simulator.world_contest import Contest
from venues.simulator.world_schedule import Calendar, read_scenario
from venues.types import MICRO, GameStatus, MarketState, Outcome, Side, Venue

HOUR_MS = 3_600_000


def test_the_same_seed_gives_the_same_digest_at_any_pace() -> None:
    steady, uneven = generated_world()[0], generated_world()[0]
    end_ms = steady.now_ms + HOUR_MS // 4
    steady.advance(end_ms)
    steps = iter(range(10**9))
    while uneven.now_ms < end_ms:
        uneven.advance(min(end_ms, uneven.now_ms + (977, 3_511, 20_011)[next(steps) % 3]), budget=50)
    assert steady.digest == uneven.digest
    assert steady.events == uneven.events


def test_another_seed_gives_another_world() -> None:
    worlds = [generated_world(seed)[0] for seed in (7, 8)]
    for world in worlds:
        world.advance(world.now_ms + 60_000)
    assert worlds[0].digest != worlds[1].digest


def test_a_run_begins_with_games_in_every_stage_and_one_about_to_tip_off() -> None:
    world, _ = generated_world()
    statuses = [contest.game.sheet.status for contest in world.contests]
    assert sum(status.is_live for status in statuses) >= 6
    assert GameStatus.SCHEDULED in statuses
    first = world.contests[0].game.fixture
    assert first.league == "nba" and 60_000 < first.start_ms - world.now_ms <= 200_000
    assert len({contest.game.fixture.sport for contest in world.contests}) == 6


def test_there_are_games_on_for_as_long_as_the_world_runs() -> None:
    world, build = generated_world()
    for _ in range(12):
        world.advance(world.now_ms + HOUR_MS // 2)
        assert sum(contest.game.is_live for contest in world.contests) >= 4
    tickers = [market.native_id for market in build.exchanges[Venue.KALSHI].markets()]
    assert len(tickers) == len(set(tickers))
    assert all(exchange.imbalance_u() == 0 for exchange in build.exchanges.values())


def test_books_of_live_games_stand_around_the_fair_price_with_their_tails() -> None:
    world, build = generated_world()
    world.advance(world.now_ms + 10 * 60_000)
    for contest in live(world.contests):
        for quoted in contest.quoted:
            market = build.exchanges[quoted.venue].market(quoted.native_id)
            bids, asks = dict(market.bids.depth()), dict(market.asks.depth())
            assert bids.get(10_000) == asks.get(990_000) == 1_000_000 * MICRO
            assert market.best_bid_u is not None and market.best_ask_u is not None
            assert market.best_bid_u < market.best_ask_u
            middle = (market.best_bid_u + market.best_ask_u) / 2 / MICRO
            assert abs(middle - quoted.fair(contest.game.odds)) < 0.13


def test_the_two_venues_differ_a_little_and_now_and_then_a_lot() -> None:
    world, build = generated_world()
    gaps = []
    for _ in range(240):
        world.advance(world.now_ms + 15_000)
        for contest in live(world.contests):
            by_venue = {quoted.venue: quoted for quoted in contest.quoted if quoted.side == "home"}
            if len(by_venue) == 2:
                gaps.append(_middle_u(build, by_venue[Venue.KALSHI]) - _middle_u(build, by_venue[Venue.POLYMARKET]))
    assert len(gaps) > 100
    assert sum(abs(gap) <= 20_000 for gap in gaps) / len(gaps) > 0.8
    assert 0 < sum(abs(gap) >= 45_000 for gap in gaps) < len(gaps) * 0.1


def _middle_u(build: Builder, quoted: Quoted) -> int:
    market = build.exchanges[quoted.venue].market(quoted.native_id)
    assert market.best_bid_u is not None and market.best_ask_u is not None
    return (market.best_bid_u + market.best_ask_u) // 2


def live(contests: list[Contest]) -> list[Contest]:
    return [contest for contest in contests if contest.game.is_live and 0.1 < contest.game.odds.home < 0.9]


def test_polymarket_wipes_its_book_at_the_start_and_quotes_again() -> None:
    world, build = generated_world()
    contest = world.contests[0]
    condition = next(quoted.native_id for quoted in contest.quoted if quoted.venue is Venue.POLYMARKET)
    market = build.exchanges[Venue.POLYMARKET].market(condition)
    world.advance(contest.game.fixture.start_ms - 1)
    assert market.best_bid_u is not None
    world.advance(contest.game.fixture.start_ms + 301)
    assert market.best_bid_u is None
    world.advance(contest.game.fixture.start_ms + 5_000)
    assert market.best_bid_u is not None


def test_markets_close_after_the_end_and_settle_by_their_timers_with_the_result() -> None:
    world, build = generated_world()
    while not any(contest.game.is_final for contest in world.contests):
        world.advance(world.now_ms + 60_000)
    contest = next(contest for contest in world.contests if contest.game.is_final)
    end_ms = contest.game.sheet.final_ms
    kalshi = [q for q in contest.quoted if q.venue is Venue.KALSHI]
    polymarket = [q for q in contest.quoted if q.venue is Venue.POLYMARKET]
    world.advance(end_ms + 5 * 60_000)
    markets = [build.exchanges[Venue.KALSHI].market(q.native_id) for q in kalshi]
    assert {market.state for market in markets} == {MarketState.SETTLED}
    assert sum(market.value_u or 0 for market in markets) == MICRO
    other = build.exchanges[Venue.POLYMARKET].market(polymarket[0].native_id)
    assert other.state is MarketState.OPEN
    world.advance(end_ms + 11 * 60_000)
    assert other.state is MarketState.DETERMINED
    world.advance(end_ms + 2 * HOUR_MS)
    assert other.state is MarketState.SETTLED


def test_a_client_order_changes_no_game_and_no_later_quote() -> None:
    (alone, _), (visited, build) = generated_world(), generated_world()
    exchange = build.exchanges[Venue.KALSHI]
    exchange.open_account("client", 1_000 * MICRO, shard=3, now_ms=visited.now_ms)
    ticker = visited.contests[1].quoted[0].native_id
    for world in (alone, visited):
        world.advance(world.now_ms + 60_000)
    price_u = exchange.market(ticker).best_ask_u
    assert price_u is not None
    order = NewOrder(native_id=ticker, side=Side.BUY, outcome=Outcome.YES, price_u=price_u, qty_u=10 * MICRO)
    assert exchange.submit("client", order, visited.now_ms).filled_u == 10 * MICRO
    for world in (alone, visited):
        world.advance(world.now_ms + HOUR_MS // 4)
    sheets = [[contest.game.sheet for contest in world.contests] for world in (alone, visited)]
    assert sheets[0] == sheets[1]


def test_a_saved_world_goes_on_with_the_same_games_and_quotes() -> None:
    world, build = generated_world()
    world.advance(world.now_ms + HOUR_MS)
    packed = msgspec.msgpack.encode([build.saved(contest) for contest in world.contests])
    again = builder()
    contests = [
        again.restored(saved, now_ms=world.now_ms) for saved in msgspec.msgpack.decode(packed, type=list[SavedContest])
    ]
    assert [contest.game.sheet for contest in contests] == [contest.game.sheet for contest in world.contests]
    for exchange in again.exchanges.values():
        exchange.advance(world.now_ms + 1)
    for contest in world.contests:
        for quoted in contest.quoted:
            before = build.exchanges[quoted.venue].market(quoted.native_id)
            after = again.exchanges[quoted.venue].market(quoted.native_id)
            assert (after.state, after.value_u) == (before.state, before.value_u)


def test_the_calendar_makes_the_same_fixtures_from_the_same_seed() -> None:
    calendars = [Calendar(read_scenario(), seed=7, games=12) for _ in range(2)]
    assert calendars[0].opening() == calendars[1].opening()
    assert calendars[0].more(read_scenario().epoch_ms, []) == calendars[1].more(read_scenario().epoch_ms, [])
