"""Books come faster than they are taken: the newest wins, private reports never wait and are never lost."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.engine.stand import IDLE, Stand, standing
from trading.domain.config import SessionConfig
from trading.domain.market_view import MarketView
from trading.domain.messages import BookChanges
from trading.domain.session import Session
from trading.engine.inbox import MERGE_ABOVE, Inbox
from trading.engine.merging import PRINTS_KEPT
from trading.models import OrderStatus
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FeedStatus,
    FillReport,
    Message,
    OrderReport,
    OrderState,
    Outcome,
    PublicTrade,
    SettleState,
    Side,
    Venue,
)

FLOOD = 100_000
MARKETS = 50
TOGETHER = 1_000
DELTA_MARKETS, LEVEL_MARKETS = ("kalshi:A", "kalshi:B"), ("polymarket:C", "polymarket:D")

prices = st.integers(1, 4).map(lambda cents: cents * 10_000)
sizes = st.integers(0, 3).map(lambda contracts: contracts * MICRO)
levels = st.lists(st.tuples(prices, sizes), max_size=3, unique_by=lambda level: level[0]).map(tuple)
feeds = st.sampled_from(["kalshi.market", "polymarket.market"])


def print_of(market_id: str, number: int) -> PublicTrade:
    return PublicTrade(market_id, f"print-{number}", 500_000, MICRO, Side.BUY, number)


def fill(number: int) -> FillReport:
    return FillReport(
        venue=Venue.KALSHI,
        account="mine",
        trade_id=f"trade-{number}",
        leg="",
        venue_order_id="order",
        client_order_id="",
        market_id="kalshi:A",
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=500_000,
        qty_u=MICRO,
        fee_u=0,
        is_taker=True,
        settle_state=SettleState.CONFIRMED,
        venue_ms=number,
    )


def report(number: int) -> OrderReport:
    return OrderReport(
        venue=Venue.KALSHI,
        account="mine",
        venue_order_id=f"order-{number}",
        client_order_id="",
        market_id="kalshi:A",
        state=OrderState.RESTING,
        filled_u=0,
        remaining_u=MICRO,
        venue_ms=number,
    )


any_market = st.sampled_from(DELTA_MARKETS + LEVEL_MARKETS)
streamed = st.one_of(
    st.builds(BookSnapshot, any_market, levels, levels, st.just(0)),
    st.builds(BookGap, any_market, st.just("lost")),
    st.builds(
        BookDelta,
        st.sampled_from(DELTA_MARKETS),
        st.booleans(),
        prices,
        st.integers(-3, 3).map(lambda contracts: contracts * MICRO),
        st.just(0),
    ),
    st.builds(BookLevel, st.sampled_from(LEVEL_MARKETS), st.booleans(), prices, sizes, st.just(0)),
    st.builds(FeedStatus, feeds, st.booleans()),
    st.builds(print_of, any_market, st.integers(1, 999)),
    st.integers(1, 999).map(fill),
    st.integers(1, 999).map(report),
)


def private(messages: Iterable[object]) -> list[object]:
    return [message for message in messages if isinstance(message, FillReport | OrderReport)]


def others(messages: Iterable[object]) -> list[object]:
    return [message for message in messages if isinstance(message, FeedStatus)]


def prints(messages: Iterable[object]) -> dict[str, list[PublicTrade]]:
    by_market: dict[str, list[PublicTrade]] = defaultdict(list)
    for message in messages:
        if isinstance(message, PublicTrade):
            by_market[message.market_id].append(message)
    return by_market


def books_after(messages: Iterable[Message | BookChanges]) -> dict[str, object]:
    """The books of a session that nothing else than streams happened to. Markets nobody gave a snapshot are as none."""
    session = Session(SessionConfig())
    for message in messages:
        if not private([message]):
            session.on(message, 1)
    return {name: market.book for name, market in session.markets.items() if market.book.is_valid}


@given(
    messages=st.lists(streamed, max_size=60),
    takes=st.lists(st.integers(0, 8), max_size=60),
    merge_above=st.integers(0, 5),
)
def test_whatever_is_merged_the_books_end_alike_and_private_reports_are_all_there_in_order(
    messages: list[Message], takes: list[int], merge_above: int
):
    inbox = Inbox(merge_above=merge_above)
    put, taken = inbox.sink("all"), []
    for message, most in itertools.zip_longest(messages, takes, fillvalue=0):
        if not isinstance(message, int):
            put(message)
        taken += inbox.take(most)
    while len(inbox):
        taken += inbox.take(3)
    assert books_after(taken) == books_after(messages)
    assert private(taken) == private(messages)
    assert others(taken) == others(messages)
    for market_id, told in prints(taken).items():
        assert told == [one for one in prints(messages)[market_id] if one in told]


def test_a_size_that_went_below_zero_is_not_healed_by_what_came_after():
    inbox = Inbox(merge_above=0)
    put = inbox.sink("kalshi.market")
    put(BookSnapshot("kalshi:A", ((400_000, MICRO),), (), 0))
    put(BookDelta("kalshi:A", True, 400_000, -2 * MICRO, 0))
    put(BookDelta("kalshi:A", True, 400_000, +2 * MICRO, 0))
    assert books_after(inbox.take(10)) == {}


def test_a_snapshot_after_a_lost_connection_outlives_it():
    inbox = Inbox(merge_above=0)
    put = inbox.sink("kalshi.market")
    old, new = (BookSnapshot("kalshi:A", ((price_u, MICRO),), (), 0) for price_u in (400_000, 300_000))
    for message in (old, FeedStatus("kalshi.market", False), FeedStatus("kalshi.market", True), new):
        put(message)
    assert books_after(inbox.take(10)) == books_after([new])


def test_below_the_bound_every_message_is_taken_as_it_came():
    inbox = Inbox()
    put = inbox.sink("kalshi.market")
    sent = [BookDelta("kalshi:A", True, 400_000, MICRO, at) for at in range(MERGE_ABOVE)]
    for message in sent:
        put(message)
    assert (inbox.take(2 * MERGE_ABOVE), inbox.merged, len(inbox)) == (sent, 0, 0)


def test_where_nobody_takes_no_more_waits_than_the_bound_and_one_entry_a_market():
    inbox = Inbox()
    put = inbox.sink("kalshi.market")
    for at in range(FLOOD):
        market_id = f"kalshi:{at % MARKETS}"
        put(print_of(market_id, at) if at % 7 == 0 else BookDelta(market_id, at % 2 == 0, 10_000, MICRO, at))
    assert len(inbox) == MERGE_ABOVE + MARKETS
    assert inbox.merged == FLOOD - MERGE_ABOVE - MARKETS
    assert len(inbox.take(FLOOD)) <= MERGE_ABOVE + MARKETS * (1 + PRINTS_KEPT)


def test_in_lock_step_nothing_is_merged_and_streams_keep_their_rank():
    inbox = Inbox(merge_above=0)
    inbox.keeps_all = True
    first, second = inbox.sink("first"), inbox.sink("second")
    changes = [BookDelta("kalshi:A", True, 400_000, MICRO, at) for at in range(5)]
    second(fill(1))
    for change in changes:
        first(change)
    second(report(2))
    assert inbox.take_in_fixed_order() == [*changes, fill(1), report(2)]


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path, settings=IDLE, seed=7, speed=10.0, games=2) as stand:
        await stand.start_engine()
        yield stand


class Flood:
    """Changes of many books, `TOGETHER` in each turn of the loop: five times what the pump takes in one."""

    def __init__(self, stand: Stand) -> None:
        self.sent = self.most_waiting = 0
        self.ids = [f"kalshi:FLOOD-{number}" for number in range(MARKETS)]
        self._inbox = stand.engine.inbox
        self._put = self._inbox.sink("kalshi.market")

    def market(self, stand: Stand, number: int) -> MarketView:
        return stand.engine.session.markets[self.ids[number]]

    async def run(self) -> None:
        for market_id in self.ids:
            self._put(BookSnapshot(market_id, ((400_000, MICRO),), ((600_000, MICRO),), 0))
        while True:
            for _ in range(TOGETHER):
                self._put(BookDelta(self.ids[self.sent % MARKETS], True, 400_000, MICRO, self.sent))
                self.sent += 1
            self.most_waiting = max(self.most_waiting, len(self._inbox))
            await asyncio.sleep(0)


async def test_in_a_flood_a_fill_is_booked_in_time_and_the_newest_books_win(stand: Stand):
    market = await stand.market(Venue.KALSHI)
    flood = Flood(stand)
    flooding = asyncio.create_task(flood.run())
    try:
        await stand.until(lambda: flood.sent > FLOOD // 2)
        command = await stand.submit(market)
        await stand.until(lambda: bool(stand.engine.session.desk.portfolio.holdings))
        await stand.until(lambda: flood.sent > FLOOD)
    finally:
        flooding.cancel()
    assert (await stand.until_row(command, OrderStatus.FILLED)).filled_u == 10 * MICRO
    barriers = 4
    assert flood.most_waiting <= MERGE_ABOVE + MARKETS * barriers
    await stand.until(lambda: not len(stand.engine.inbox))
    newest = [flood.market(stand, number).book.best_bid_qty_u for number in range(MARKETS)]
    assert sum(newest) == (flood.sent + MARKETS) * MICRO
    assert stand.engine.inbox.merged > FLOOD // 10
    await stand.books_equal()
