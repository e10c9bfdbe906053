"""Lists of several pages while orders come and go: none that rests all the while is left out."""

from __future__ import annotations

from tests.venues.polymarket.conftest import Desk
from tests.venues.simulator.polymarket_stand import Stand, standing
from venues.simulator.exchange_terms import NewOrder
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import MICRO, Outcome, Side

PAGE = 100


class Leaving(NoFaults):
    """Between the first page of the open orders and the second, the venue takes off the newest thirty."""

    def __init__(self) -> None:
        self.pages = 0
        self.stand: Stand | None = None

    def before(self, call: Call) -> Disturbance | None:
        if call.op != "data/orders" or self.stand is None:
            return None
        self.pages += 1
        if self.pages == 2:
            newest_last = self.stand.exchange.orders(call.account_id, open_only=True)
            for order in newest_last[-30:]:
                self.stand.exchange.cancel(call.account_id, order.order_id, self.stand.now_ms)
        return None


def bid(native_id: str, number: int) -> NewOrder:
    return NewOrder(
        native_id=native_id,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=10_000,
        qty_u=5 * MICRO,
        order_id=f"0x{number:064x}",
    )


async def test_orders_that_leave_between_two_pages_hide_no_others() -> None:
    faults = Leaving()
    stand = Stand(faults)
    stand.list_game("nba")
    async with standing(stand):
        desk = Desk(stand, usd=10_000)
        (market,) = await desk.list_markets("nba")
        for number in range(PAGE + 50):
            stand.exchange.submit(desk.trader.wallet.account_id, bid(market.native_id, number), stand.now_ms)
        faults.stand = stand
        found = [report.venue_order_id for report in await desk.account.open_orders()]
        resting = {order.order_id for order in stand.exchange.orders(desk.trader.wallet.account_id, open_only=True)}
        await desk.aclose()
    assert len(resting) == PAGE + 20
    assert resting <= set(found)
    assert len(found) == len(set(found))
