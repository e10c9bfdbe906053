"""Discovery, terms and streamed books against the simulated venue: our book is the venue's book."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.venues.polymarket.conftest import Desk, endpoints_of, eventually, running
from tests.venues.simulator.polymarket_stand import START_MS, Stand, standing
from venues.book import Book
from venues.errors import NotFoundAtVenue
from venues.polymarket import market_data
from venues.polymarket.integrity import book_hash
from venues.polymarket.market_data import PolymarketMarketData
from venues.polymarket.markets import routing_of
from venues.polymarket.micro import parse_micro
from venues.polymarket.schemas import WireLevel
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import (
    BookGap,
    BookLevel,
    BookSnapshot,
    FeedStatus,
    MarketKind,
    MarketListed,
    MarketState,
    MarketStateChanged,
    Outcome,
    PublicTrade,
    Side,
    VenueMarket,
)


class Follower:
    """Keeps books from messages, as a session does."""

    def __init__(self) -> None:
        self.inbox: list[Any] = []
        self.books: dict[str, Book] = {}

    def __call__(self, message: Any) -> None:
        self.inbox.append(message)
        match message:
            case BookSnapshot():
                self.books.setdefault(message.market_id, Book()).apply_snapshot(message.bids, message.asks)
            case BookLevel():
                self.books[message.market_id].set_level(message.is_bid, message.price_u, message.qty_u)
            case BookGap():
                self.books[message.market_id].clear()

    def best(self, market: VenueMarket) -> tuple[int, int]:
        book = self.books.get(market.market_id)
        return (book.best_bid_u, book.best_ask_u) if book is not None and book.is_valid else (0, 0)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.inbox if isinstance(message, kind)]


async def test_a_game_is_found_with_its_terms(desk: Desk, market: VenueMarket) -> None:
    assert (market.kind, market.league, market.state) == (MarketKind.MONEYLINE, "nba", MarketState.OPEN)
    assert (market.yes_label, market.no_label, market.team_names) == ("Hawks", "Wizards", ("Hawks", "Wizards"))
    assert (market.yes_team_code, market.title) == ("atl", "Hawks vs. Wizards")
    assert (market.game_start_ms, market.clears_book_at_start, market.taker_delay_ms) == (START_MS, True, 0)
    assert (market.fees.taker_rate_u, market.fees.maker_rate_u, market.min_qty_u) == (50_000, 0, 5_000_000)
    assert market.is_on_grid(450_000) and not market.is_on_grid(455_000)


async def test_soccer_has_three_questions_and_each_names_its_side(desk: Desk) -> None:
    desk.stand.list_game("epl")
    markets = await desk.list_markets("epl")
    assert {market.yes_label: market.yes_team_code for market in markets} == {
        "Wizards": "was",
        "Draw (Wizards vs. Hawks)": "draw",
        "Hawks": "atl",
    }
    assert all(routing_of(market).neg_risk for market in markets)


async def test_a_league_the_venue_does_not_list_is_an_error(desk: Desk) -> None:
    with pytest.raises(NotFoundAtVenue):
        await desk.list_markets("gleague")
    assert await desk.list_markets("nhl") == []


async def test_terms_and_results_are_read_again_from_the_clob(desk: Desk, market: VenueMarket) -> None:
    assert await desk.data.market(market) == market
    desk.stand.move(START_MS - desk.now_ms() + 8_000_000)
    desk.stand.exchange.determine(market.native_id, 0, desk.now_ms())
    desk.stand.move(60_000)
    settled = await desk.data.market(market)
    assert (settled.state, settled.result, settled.settlement_value_u) == (MarketState.SETTLED, Outcome.NO, 0)
    (listed_again,) = await desk.list_markets("nba")
    assert (listed_again.state, listed_again.result) == (MarketState.SETTLED, Outcome.NO)


async def test_small_public_reads_work(desk: Desk, market: VenueMarket) -> None:
    clob, yes = desk.data.clob, routing_of(market).yes
    assert await clob.ok() and await clob.version() == 2 and await clob.time_s() > 1_600_000_000
    assert await clob.tick_u(yes) == 10_000
    assert await clob.is_neg_risk(yes) is False and await clob.has_fees(yes) is True
    book = await clob.book(yes)
    assert book_hash(book) == book.hash
    assert set(await clob.books([yes, "12345"])) == {yes}
    with pytest.raises(NotFoundAtVenue):
        await clob.book("12345")
    desk.stand.move(120_000)
    history = await clob.prices_history(yes, start_s=0, end_s=desk.now_ms() // 1000)
    assert [point.p for point in history]


async def test_our_book_follows_the_venues_book(desk: Desk, market: VenueMarket) -> None:
    follower, listed = Follower(), desk.stand.face.catalogue.by_condition(market.native_id)
    assert listed is not None
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        desk.stand.quote(listed.market, {"0.41": 50, "0.39": 500}, {"0.44": 60, "0.46": 1_000})
        await eventually(lambda: follower.best(market) == (410_000, 440_000))
        desk.stand.quote(listed.market, {}, {"0.44": 60})
        await eventually(lambda: follower.best(market) == (0, 440_000))
    book = follower.books[market.market_id]
    assert book.levels(False) == [(440_000, 60_000_000)] and book.levels(True) == []
    assert not desk.data.channels[0].decoder.census.unknown


async def test_five_hundred_changes_leave_the_same_book_and_no_gap(desk: Desk, market: VenueMarket) -> None:
    follower, listed = Follower(), desk.stand.face.catalogue.by_condition(market.native_id)
    assert listed is not None
    await desk.data.watch([market])
    trader = desk.stand.new_trader(usd=100_000)
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        for step in range(500):
            bid, ask = 30 + step % 7, 45 + step % 11
            desk.stand.quote(listed.market, {f"0.{bid}": 100 + step}, {f"0.{ask}": 50 + step, "0.6": 900})
            if step % 50 == 0:
                await trader.place(trader.order(listed.market, "BUY", "0.55", "20"))
        desk.stand.quote(listed.market, {"0.29": 1}, {"0.8": 1})
        await eventually(lambda: follower.best(market) == (290_000, 800_000))
        venue = await desk.data.clob.book(routing_of(market).yes)
    book = follower.books[market.market_id]
    assert _levels(venue.bids) == book.levels(True)[::-1] and _levels(venue.asks) == book.levels(False)[::-1]
    assert follower.of(BookGap) == []
    assert len(follower.of(PublicTrade)) == 10
    (channel,) = desk.data.channels
    assert channel.counts["books_healed"] == 0
    assert channel.book_proof.matches > 0 and channel.change_proof.matches > 0
    assert channel.book_proof.mismatches == channel.change_proof.mismatches == 0


async def test_trades_are_told_in_the_yes_frame(desk: Desk, market: VenueMarket) -> None:
    follower, listed = Follower(), desk.stand.face.catalogue.by_condition(market.native_id)
    assert listed is not None
    trader = desk.stand.new_trader()
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        await trader.place(trader.order(listed.market, "BUY", "0.6", "10", index=1))
        await eventually(lambda: bool(follower.of(PublicTrade)))
    (trade,) = follower.of(PublicTrade)
    assert (trade.price_u, trade.qty_u, trade.taker_side) == (400_000, 10_000_000, Side.SELL)


async def test_markets_can_be_added_and_dropped_while_streaming(desk: Desk, market: VenueMarket) -> None:
    other_listed = desk.stand.list_game("wnba").markets[0]
    desk.stand.quote(other_listed, {"0.2": 10}, {"0.3": 10})
    (other,) = await desk.list_markets("wnba")
    follower = Follower()
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        await desk.data.watch([market, other])
        await eventually(lambda: follower.best(other) == (200_000, 300_000))
        await desk.data.watch([other])
        desk.stand.quote(other_listed, {"0.21": 10}, {"0.3": 10})
        await eventually(lambda: follower.best(other) == (210_000, 300_000))
        assert len(follower.of(BookSnapshot)) == 2
    assert len(desk.data.sockets) == 1


async def test_a_finer_grid_brings_new_terms_and_a_new_book(desk: Desk, market: VenueMarket) -> None:
    follower, listed = Follower(), desk.stand.face.catalogue.by_condition(market.native_id)
    assert listed is not None
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        desk.stand.quote(listed.market, {"0.01": 10}, {"0.02": 10})
        await eventually(lambda: follower.best(market) == (10_000, 20_000))
        desk.stand.move(1_000)
        await eventually(lambda: bool(follower.of(MarketListed)))
        await eventually(lambda: follower.best(market) == (10_000, 20_000))
    (listed_again,) = follower.of(MarketListed)
    assert listed_again.market.tick_u(15_000) == 1_000
    assert follower.of(BookGap)[0].reason == "tick size changed"


async def test_a_resolution_is_told(desk: Desk, market: VenueMarket) -> None:
    follower = Follower()
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        desk.stand.move(START_MS - desk.now_ms() + 8_000_000)
        desk.stand.exchange.determine(market.native_id, 1_000_000, desk.now_ms())
        desk.stand.move(60_000)
        await eventually(lambda: bool(follower.of(MarketStateChanged)))
    (changed,) = follower.of(MarketStateChanged)
    assert (changed.state, changed.result, changed.settlement_value_u) == (
        MarketState.DETERMINED,
        Outcome.YES,
        1_000_000,
    )


async def test_markets_spread_over_sockets_of_limited_size(desk: Desk) -> None:
    leagues = ["nba", "wnba", "nfl", "mlb", "nhl", "mls", "epl"]
    markets = []
    for league in leagues:
        desk.stand.list_game(league)
        markets += await desk.list_markets(league)
    many = [
        _renamed(market, number)
        for market in markets
        for number in range(-(-2 * market_data.MARKETS_PER_SOCKET // len(markets)) + 1)
    ]
    await desk.data.watch(many)
    assert len(desk.data.sockets) == -(-len(many) // market_data.MARKETS_PER_SOCKET) > 2
    assert sum(len(channel.watched()) for channel in desk.data.channels) == len(many)


class Silence(NoFaults):
    """Withholds what the market channel would send."""

    def frame(self, call: Call) -> Disturbance | None:
        return Disturbance(drop=True) if call.op == "market" else None


async def test_a_book_that_no_subscription_brings_is_read_by_rest() -> None:
    async with standing(Stand(Silence())) as stand:
        desk, follower = Desk(stand), Follower()
        listed = stand.list_game("nba").markets[0]
        stand.quote(listed, {"0.4": 100}, {"0.45": 60})
        (market,) = await desk.list_markets("nba")
        data = PolymarketMarketData(endpoints_of(stand), clock_ms=desk.now_ms, patience_s=0.05)
        await data.watch([market])
        async with running(data, follower):
            await eventually(lambda: follower.best(market) == (400_000, 450_000))
        await data.aclose()
        await desk.aclose()


async def test_a_feed_in_lock_step_reads_nothing_by_the_wall_clock() -> None:
    async with standing(Stand(Silence())) as stand:
        desk, stepped, free = Desk(stand), Follower(), Follower()
        stand.quote(stand.list_game("nba").markets[0], {"0.4": 100}, {"0.45": 60})
        (market,) = await desk.list_markets("nba")
        feeds = [PolymarketMarketData(endpoints_of(stand), clock_ms=desk.now_ms, patience_s=0.05) for _ in range(2)]
        feeds[0].is_stepped = True
        for feed in feeds:
            await feed.watch([market])
        async with running(feeds[0], stepped), running(feeds[1], free):
            await eventually(lambda: free.best(market) == (400_000, 450_000))
            assert stepped.of(BookSnapshot) == [], "its audit was due before the other's"
        for feed in feeds:
            await feed.aclose()
        await desk.aclose()


async def test_the_connection_is_told_up_and_down(desk: Desk, market: VenueMarket) -> None:
    follower = Follower()
    await desk.data.watch([market])
    async with running(desk.data, follower):
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
        desk.data.sockets[0].drop("cut by the test")
        await eventually(lambda: follower.best(market) == (0, 0))
        await eventually(lambda: follower.best(market) == (400_000, 450_000))
    assert [status.is_up for status in follower.of(FeedStatus)[:3]] == [True, False, True]
    assert follower.of(BookGap)[0].reason == "cut by the test"


def _levels(levels: list[WireLevel]) -> list[tuple[int, int]]:
    return [(parse_micro(level.price), parse_micro(level.size)) for level in levels]


def _renamed(market: VenueMarket, number: int) -> VenueMarket:
    return msgspec.structs.replace(market, native_id=f"{market.native_id}{number}")
