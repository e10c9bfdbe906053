"""What the venue says that nobody expected: booked or looked for as ever, and the owner is told of it once."""

from __future__ import annotations

import msgspec
import pytest

from markets.models import Market
from markets.services import market_upsert
from notifications.models import Alert
from tests.trading.engine.stand import Stand
from tests.trading.engine.trouble import Trouble
from trading.models import OrderStatus
from venues.simulator.faults import Disturbance
from venues.types import TimeInForce, Venue

CHEAP_U = 20_000
ELSEWHERE = {"location": "http://127.0.0.1:9/order"}


def told(code: str) -> list[str]:
    return list(Alert.objects.filter(code=code).order_by("id").values_list("body", flat=True))


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_redirect_and_a_code_of_no_list_leave_an_order_unknown_and_are_told(
    stand: Stand, trouble: Trouble, venue: Venue
):
    for nth, status in enumerate((307, 418), 1):
        market = await stand.market(venue)
        trouble.after_ops[venue, "create"] = Disturbance(status=status, body=b"{}", headers=ELSEWHERE)
        command = await stand.submit(market, price_u=CHEAP_U * nth, time_in_force=TimeInForce.GTC)
        assert (await stand.row(command)).unknown_at is not None
        trouble.after_ops.clear()
        row = await stand.until_row(command, OrderStatus.OPEN)
        assert (row.reserved_u, trouble.creates(venue)) == (row.max_cost_u, nth)
    await stand.engine.tasks.drain()
    assert [body.partition(",")[0] for body in await stand.database.call(told, "odd_answer")] == [
        "HTTP 307",
        "HTTP 418",
    ]


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_fee_that_is_not_the_schedules_is_booked_as_told_and_its_owner_hears_of_it(stand: Stand, venue: Venue):
    market = await stand.market(venue)
    await stand.until_over(await stand.submit(market))
    assert await stand.database.call(told, "fee_differs") == [], "what the venue charges is what its schedule says"
    while not await stand.database.call(told, "fee_differs"):  # the venue's own listing may come in between
        await stand.database.call(cheapen, market.market_id)
        await stand.until_over(await stand.submit(market))
    await stand.database.call(cheapen, market.market_id)
    await stand.until_over(await stand.submit(market))
    assert len(await stand.database.call(told, "fee_differs")) == 1
    await stand.books_equal()


def cheapen(market_id: str) -> None:
    """The schedule that we know is a hundredth too low: more than rounding explains, of a few cents."""
    listing = Market.objects.get(market_id=market_id).venue_market
    fees = msgspec.structs.replace(listing.fees, taker_rate_u=listing.fees.taker_rate_u * 99 // 100)
    market_upsert(market=msgspec.structs.replace(listing, fees=fees))
