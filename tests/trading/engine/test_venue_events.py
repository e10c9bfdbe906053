"""What a venue does by itself, asked for at the simulator's control port: our books follow it to the µUSD."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifications.models import Alert
from tests.trading.engine.stand import IDLE, Stand, standing
from trading.domain.market_view import MarketView
from trading.models import CashEntry, CashKind, OrderStatus, RunTrigger
from trading.selectors.invariants import violations
from venues.types import MICRO, Outcome, TimeInForce, Venue

CHEAP_U = 20_000
DUST_U = 5_000


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path, settings=IDLE, seed=7, speed=10.0, games=4) as stand:
        await stand.start_engine()
        yield stand


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.GTC])
async def test_a_fill_that_leaves_dust_ends_its_order_and_is_booked_as_told(stand: Stand, time_in_force: TimeInForce):
    market = await stand.market(Venue.POLYMARKET)
    await stand.at_venues("/modes", venue="polymarket", taker_delay_ms=0, shaved_u=DUST_U)
    command = await stand.submit(market, time_in_force=time_in_force)
    await stand.until_over(command)
    await stand.books_equal()
    bought = await stand.row(command)
    assert (bought.filled_u, bought.qty_u, bought.reserved_u) == (10 * MICRO - DUST_U, 10 * MICRO, 0)


async def test_a_finer_grid_is_used_at_once_and_what_rests_stays(stand: Stand):
    market = await stand.market(Venue.POLYMARKET)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    await stand.at_venues("/events", event="grid", venue="polymarket", market=native(market), step_u=1_000)
    await stand.until(lambda: step_of(stand, market) == 1_000 and market.book.is_valid)
    between = await stand.submit(market, price_u=CHEAP_U + 1_000, time_in_force=TimeInForce.GTC)
    assert (await stand.until_row(between, OrderStatus.OPEN, OrderStatus.DENIED)).status == OrderStatus.OPEN
    assert (await stand.row(resting)).status == OrderStatus.OPEN
    await stand.books_equal()


@pytest.mark.parametrize("value_u", [MICRO, 0, 370_000])
async def test_a_result_pays_what_the_venue_paid(stand: Stand, value_u: int):
    for market in (markets := [await held(stand, venue) for venue in Venue]):
        result = {"market": native(market), "value_u": value_u, "settle_ms": 0}
        await stand.at_venues("/events", event="result", venue=market.market_id.partition(":")[0], **result)
    await stand.until(lambda: stand.engine.session.desk.portfolio.export_positions() == ())
    books = await stand.books_equal()
    assert {market_id for _, market_id in books.settlements} == {market.market_id for market in markets}


async def test_a_corrected_result_takes_back_what_the_first_one_paid(stand: Stand):
    market = await held(stand, Venue.KALSHI)
    settled = {"venue": "kalshi", "market": native(market)}
    await stand.at_venues("/events", event="result", value_u=MICRO, settle_ms=0, **settled)
    await stand.until(lambda: stand.engine.session.desk.portfolio.export_positions() == ())
    for value_u in (0, MICRO // 2):
        await stand.at_venues("/events", event="correction", value_u=value_u, **settled)
        await reconciled(stand, Venue.KALSHI, but_for="settlements")
    await stand.books_equal(but_for="settlements")  # a row says what was paid first, entries what came of it
    assert await stand.database.call(list_violations) == []


async def test_money_that_comes_and_goes_at_the_venue_becomes_entries_of_its_own(stand: Stand):
    for venue, amount_u in ((Venue.KALSHI, 7_000_000), (Venue.POLYMARKET, -12_500_000)):
        (account,) = stand.simulator.assembly.builder.exchanges[venue].account_ids()
        await stand.at_venues("/events", event="money", venue=venue, account=account, amount_u=amount_u)
    await reconciled(stand, *Venue)
    await stand.books_equal()
    assert await stand.database.call(moved) == [-12_500_000, 7_000_000]


async def test_a_fee_that_no_listing_told_is_booked_as_charged(stand: Stand):
    market = await stand.market(Venue.KALSHI)
    await stand.at_venues("/events", event="fee", venue="kalshi", market=native(market), taker_rate_u=200_000)
    await stand.until_over(await stand.submit(market))
    await stand.engine.tasks.drain()
    await stand.books_equal()
    assert await stand.database.call(told, "fee_differs") == 1


async def held(stand: Stand, venue: Venue) -> MarketView:
    """A market in which we have contracts."""
    market = await stand.market(venue)
    await stand.until_over(await stand.submit(market, outcome=Outcome.NO))
    await stand.books_equal()
    await stand.clock(paused=False)
    return market


async def reconciled(stand: Stand, *venues: Venue, but_for: str = "") -> None:
    """The next comparisons of these accounts find what is different, and look twice before they believe it."""
    deadline = asyncio.get_running_loop().time() + 30.0
    while found := (await stand.our_books()).differences(await stand.venue_books(), but_for=but_for):
        assert asyncio.get_running_loop().time() < deadline, "\n".join(found)
        for venue in venues:
            await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=venue)


def native(market: MarketView) -> str:
    return market.market_id.partition(":")[2]


def step_of(stand: Stand, market: MarketView) -> int:
    listing = stand.engine.session.markets[market.market_id].listing
    return listing.bands[0].step_u if listing is not None else 0


def list_violations() -> list[str]:
    return [str(found) for found in violations()]


def moved() -> list[int]:
    """What was booked as money that somebody else moved, µUSD."""
    return list(
        CashEntry.objects.filter(kind=CashKind.EXTERNAL).order_by("amount_u").values_list("amount_u", flat=True)
    )


def told(code: str) -> int:
    return Alert.objects.filter(code=code).count()
