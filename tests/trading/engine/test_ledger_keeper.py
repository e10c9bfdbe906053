"""Reports that nobody expected: trades made by hand, in markets that are not watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from markets.models import Market
from tests.trading.engine.stand import IDLE, Stand, standing
from venues.simulator.exchange_terms import NewOrder
from venues.types import MICRO, MarketState, Outcome, Side, TimeInForce, Venue


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_trade_made_by_hand_in_a_market_nobody_watches_is_booked_too(
    shared_database: None, tmp_path: Path, venue: Venue
):
    async with standing(tmp_path, settings=IDLE, leagues=("nhl",), seed=7, speed=30.0, games=3) as stand:
        await stand.start_engine()
        market = await stand.market(venue)
        native_id = trade_by_hand(stand, venue)
        await stand.submit(market, qty_u=5 * MICRO)
        books = await stand.books_equal(but_for="orders")  # Polymarket tells of active orders only
        unknown = f"{venue}:{native_id}"
        assert unknown not in stand.engine.discovery.listings
        assert books.positions[venue, unknown, "yes"] == 9 * MICRO
        assert await stand.database.call(Market.objects.filter(market_id=unknown).exists)


def trade_by_hand(stand: Stand, venue: Venue) -> str:
    """On the venue's own page, so to speak: our account buys in a game of a league that has no settings."""
    exchange = stand.simulator.assembly.builder.exchanges[venue]
    contest = next(one for one in stand.simulator.assembly.world.contests if one.game.fixture.league == "nba")
    market = next(
        quoted
        for quoted in contest.quoted
        if quoted.venue is venue and exchange.market(quoted.native_id).state is MarketState.OPEN
    )
    order = NewOrder(
        native_id=market.native_id,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=990_000,
        qty_u=9 * MICRO,
        tif=TimeInForce.IOC,
        client_order_id="by-hand",
        order_id=f"0x{'ab' * 32}",
    )
    account_id = next(iter(exchange.account_ids()))
    exchange.submit(account_id, order, stand.simulator.assembly.now_ms())
    return market.native_id
