"""The seam for faults: a lost answer hides an effect, a refused request has none, a withheld frame is one frame."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.venues.simulator.polymarket_listen import frames, subscribed
from tests.venues.simulator.polymarket_stand import Stand, Trader, standing
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.simulator.polymarket_listing import MarketListing


class Trouble(NoFaults):
    """Disturbs the operations named in `before_ops`, `after_ops` and `frame_ops` with what stands there."""

    def __init__(self) -> None:
        self.before_ops: dict[str, Disturbance] = {}
        self.after_ops: dict[str, Disturbance] = {}
        self.frame_ops: dict[str, Disturbance] = {}

    def before(self, call: Call) -> Disturbance | None:
        return self.before_ops.get(call.op)

    def after(self, call: Call) -> Disturbance | None:
        return self.after_ops.get(call.op)

    def frame(self, call: Call) -> Disturbance | None:
        return self.frame_ops.get(call.op)


def opened(trouble: Trouble) -> tuple[Stand, MarketListing, Trader]:
    stand = Stand(trouble)
    market = stand.list_game("nba").markets[0]
    stand.quote(market, {"0.4": 100}, {"0.45": 60})
    return stand, market, stand.new_trader()


async def test_an_order_whose_answer_was_lost_is_there() -> None:
    trouble = Trouble()
    stand, market, trader = opened(trouble)
    async with standing(stand):
        trouble.after_ops["create"] = Disturbance(drop=True)
        order = trader.order(market, "BUY", "0.3", "10")
        with pytest.raises(httpx.TransportError):
            await trader.place(order)
        assert (await trader.call("GET", "/data/orders")).json()["count"] == 1
        trouble.after_ops.clear()
        assert "Duplicated" in (await trader.place(order)).json()["error"]


async def test_a_request_that_is_refused_before_its_effect_has_none() -> None:
    trouble = Trouble()
    stand, market, trader = opened(trouble)
    async with standing(stand):
        body = json.dumps({"error": "post-only mode", "code": "post_only_mode", "retry_after_seconds": 79}).encode()
        trouble.before_ops["create"] = Disturbance(status=503, body=body)
        refused = await trader.place(trader.order(market, "BUY", "0.3", "10"))
        assert (refused.status_code, refused.json()["code"]) == (503, "post_only_mode")
        assert (await trader.call("GET", "/data/orders")).json()["count"] == 0


async def test_a_withheld_frame_is_missing_from_the_stream() -> None:
    trouble = Trouble()
    stand, market, _ = opened(trouble)
    async with standing(stand), await subscribed(stand, market.asset_ids) as socket:
        await frames(socket, 2)
        trouble.frame_ops["market"] = Disturbance(drop=True)
        stand.quote(market, {"0.41": 100}, {"0.45": 60})
        trouble.frame_ops.clear()
        stand.quote(market, {"0.42": 100}, {"0.45": 60})
        change = (await frames(socket, 1))[0]
    assert {each["price"] for each in change["price_changes"]} == {"0.41", "0.59", "0.42", "0.58"}
