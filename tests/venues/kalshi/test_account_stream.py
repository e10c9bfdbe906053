"""The private stream on a real socket: channels that the venue ends, and orders whose state it does not tell."""

from __future__ import annotations

import json

from tests.venues.kalshi.doors import doors, running, until
from tests.venues.kalshi.test_stream_account import ORDER
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults
from venues.types import FeedStatus, FillReport, OrderReport, OrderState, Outcome, Side, TimeInForce

ENDED = '{"type":"error","sid":1,"msg":{"code":25,"msg":"Subscription buffer overflow"}}\n'
CHANNELS = 4


async def test_a_channel_that_the_venue_ends_takes_the_stream_down_until_it_is_back() -> None:
    async with doors() as user, running(user.account.run(user.told.append)):
        (stream,) = user.account.sockets
        await until(lambda: stream.is_up and stream.frames_received >= CHANNELS, "all channels")
        for socket in user.stand.face.app.sockets:
            socket.send(ENDED)
        await until(lambda: [one.is_up for one in user.of(FeedStatus)] == [True, False, True], "down and up again")
        await user.place(Side.BUY, Outcome.YES, 560_000, 5, time_in_force=TimeInForce.IOC)
        await until(lambda: user.of(FillReport), "a fill on the channel that came back")


async def test_an_order_in_doubt_is_read_until_a_read_succeeds() -> None:
    plan = ScheduledFaults()
    async with doors(faults=plan) as user:
        ref = await user.place(Side.BUY, Outcome.YES, 500_000, 5)
        user.stand.wait(3_600_000)  # too old for the list of what is new
        async with running(user.account.run(user.told.append)):
            (stream,) = user.account.sockets
            await until(lambda: stream.is_up and stream.frames_received >= CHANNELS, "all channels")
            await until(lambda: user.of(OrderReport), "the resting order")
            plan.add(FaultRule(fault="frame_drop", match=Match(op="user_order")))
            plan.add(FaultRule(fault="503_before", match=Match(op="order", nth=1)))
            await user.orders.cancel(ref)
            doubt = {
                "type": "user_order",
                "sid": 2,
                "msg": {**ORDER, "order_id": ref.venue_order_id, "status": "unknown"},
            }
            for socket in user.stand.face.app.sockets:
                socket.send(json.dumps(doubt) + "\n")
            await until(lambda: user.of(OrderReport)[-1].state is OrderState.CANCELED, "the end of the order")
            assert plan.struck["503_before"] == 1
