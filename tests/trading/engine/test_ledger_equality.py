"""After trading on a generated world, our books are the venues' own, to the last µUSD."""

from __future__ import annotations

from pathlib import Path

from tests.trading.engine.stand import IDLE, Stand, standing
from trading.domain.market_view import MarketView
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

SETTLES_AFTER_MS = 11 * 60_000


async def test_what_the_strategy_traded_equals_the_venues_ledger(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, seed=7, speed=60.0, games=10) as stand:
        engine = await stand.start_engine()
        await stand.until(lambda: engine.ledger.fills_booked >= 6)
        books = await stand.books_equal()
    assert len(books.fills) >= 6
    assert books.fees_u > 0


async def test_every_kind_of_order_leaves_equal_books(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=11, speed=30.0, games=2) as stand:
        await stand.start_engine()
        for venue in Venue:
            await trade_every_way(stand, await stand.market(venue))
        books = await stand.books_equal()
    assert {venue for venue, _, _ in books.fills} == {venue.value for venue in Venue}


async def test_a_settled_game_pays_what_the_venues_paid(shared_database: None, tmp_path: Path):
    async with standing(
        tmp_path, settings=IDLE, seed=7, speed=30.0, games=9, polymarket_settle_ms=SETTLES_AFTER_MS
    ) as stand:
        engine = await stand.start_engine()
        held = [await stand.market(venue) for venue in Venue]
        for market in held:
            for outcome in Outcome:
                await stand.submit(market, outcome=outcome, qty_u=(5 if outcome is Outcome.YES else 3) * MICRO)
        await stand.books_equal()
        await stand.clock(paused=False, speed=1_500.0)
        markets = {market.market_id for market in held}
        await stand.until(lambda: markets <= settled(stand))
        await stand.clock(speed=30.0)
        books = await stand.books_equal()
        assert engine.session.desk.portfolio.export_positions() == ()
    assert {market_id for _, market_id in books.settlements} == markets
    assert books.positions == {}


async def trade_every_way(stand: Stand, market: MarketView) -> None:
    """Both outcomes; taken whole, taken in part, rested and canceled, sold again."""
    for outcome in Outcome:
        bought = await stand.submit(market, outcome=outcome, qty_u=7_330_000)
        await stand.until_over(bought)
        await stand.submit(market, outcome=outcome, price_u=20_000, time_in_force=TimeInForce.GTC)
        await stand.submit(market, side=Side.SELL, outcome=outcome, qty_u=5 * MICRO)
    await stand.submit(market, price_u=990_000, qty_u=95 * MICRO)


def settled(stand: Stand) -> set[str]:
    return {key.split("|")[2] for key in stand.engine.session.desk.portfolio.known_settlements}
