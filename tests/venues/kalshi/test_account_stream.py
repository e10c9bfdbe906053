"""The private stream on a real socket: a venue that ends one of its channels has taken the stream down."""

from __future__ import annotations

from tests.venues.kalshi.doors import doors, running, until
from venues.types import FeedStatus, FillReport, Outcome, Side, TimeInForce

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
