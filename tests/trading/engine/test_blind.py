"""Blind at a venue: nothing is opened from the moment its private stream is gone, and soon nothing rests there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifications.models import Alert
from risk.models import HaltScope, HaltState, TradingHalt
from tests.trading.engine.stand import Stand, is_deaf
from tests.trading.engine.trouble import Trouble
from trading.models import OrderStatus
from venues.simulator.faults import Disturbance
from venues.types import PublicTrade, Side, TimeInForce, Venue

CHEAP_U = 20_000
VENUES = pytest.mark.parametrize("venue", list(Venue))


def paused() -> list[str]:
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, state=HaltState.PAUSED)
    return list(rows.values_list("code", flat=True))


async def in_real_time(stand: Stand) -> None:
    """Ages of streams and skews of clocks are judged where the venue's time is ours."""
    await stand.clock(speed=1.0)


@VENUES
async def test_without_the_private_stream_nothing_is_opened_and_after_a_while_nothing_rests(
    stand: Stand, trouble: Trouble, venue: Venue
):
    market = await stand.market(venue)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    await in_real_time(stand)
    watch = stand.engine.watch
    watch.limits = replace(watch.limits, stale_ms=2_500)
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == venue)
    (own,) = account.reader.sockets  # type: ignore[attr-defined]
    trouble.before_ops[venue, "connect"] = Disturbance(status=401)
    own.drop("the test cuts it")
    await stand.until(lambda: is_deaf(stand.engine, market))
    assert (await stand.row(resting)).status == OrderStatus.OPEN, "it is not blind for long yet"
    arrived = trouble.creates(venue)
    denied = await stand.row(await stand.submit(market, price_u=2 * CHEAP_U, time_in_force=TimeInForce.GTC))
    assert (denied.status, denied.reason_code) == (OrderStatus.DENIED, "private_stream_down")
    await stand.until_row(resting, OrderStatus.CANCELED)
    assert trouble.creates(venue) == arrived
    assert await stand.database.call(paused) == ["stale_data"]
    await stand.books_equal()


async def test_a_venues_clock_a_second_from_ours_is_told_and_five_seconds_pause(stand: Stand):
    market_id = (await stand.market(Venue.KALSHI)).market_id
    await in_real_time(stand)
    await prints(stand, market_id, late_ms=900)
    assert await stand.database.call(told_and_paused) == (0, [])
    while await stand.database.call(told_and_paused) != (1, []):
        await prints(stand, market_id, late_ms=1_500)
    while await stand.database.call(told_and_paused) != (1, ["clock_skew"]):
        await prints(stand, market_id, late_ms=-5_500)
    while await stand.database.call(told_and_paused) != (1, []):
        await prints(stand, market_id, late_ms=100)


async def prints(stand: Stand, market_id: str, *, late_ms: int) -> None:
    """As many of the venue's prints as it takes to know its clock, each this much older than our clock says; then the
    triggers are asked. A true print in between makes it look better: the caller tries again."""
    for _ in range(20):
        at_ms = stand.engine.clock.now_ms() - late_ms
        stand.engine.take(
            PublicTrade(market_id=market_id, trade_id="", price_u=500_000, qty_u=1, taker_side=Side.BUY, venue_ms=at_ms)
        )
    stand.engine.watch._is_due = True
    await stand.engine.watch.refresh()


def told_and_paused() -> tuple[int, list[str]]:
    return Alert.objects.filter(code="clock_skew").count(), paused()
