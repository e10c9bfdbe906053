"""The private stream as a pure state machine: our fills, orders, positions and order groups.

None of these frames carries a `seq`, so nothing shows what was lost: whoever owns the machine reads orders, fills and
positions by REST after each connection, after a frame that cannot be read and after a channel died; and once more when
fills and orders are subscribed, for what happens before that is on no channel. `needs_reading` says when. A stream
without one of these two is down. An order whose status the venue calls `unknown` is named in `take_doubts` and must be
read one by one.
Source: docs.kalshi.com, AsyncAPI of October 2026 (no capture of these frames is public).
"""

from __future__ import annotations

from collections import Counter

from venues.errors import ProtocolError
from venues.kalshi.channels import Channel
from venues.kalshi.constants import CHANNEL_FILL, CHANNEL_GROUPS, CHANNEL_ORDERS, CHANNEL_POSITIONS
from venues.kalshi.frames import FrameReader, lines_of
from venues.kalshi.parse_account import parse_user_fill, parse_user_order, parse_user_position
from venues.kalshi.schemas_stream import (
    ErrorFrame,
    FillFrame,
    Frame,
    FrameType,
    GroupFrame,
    OkFrame,
    SubscribedFrame,
    UnsubscribedFrame,
    UserOrderFrame,
    UserPositionFrame,
)
from venues.kalshi.subscriptions import Subscriptions
from venues.types import AccountMessage, FeedStatus
from venues.wire import Census

FEED = "kalshi.user"
Told = AccountMessage | FeedStatus
_NO_STATUS = "unknown"
_CHANNELS = (CHANNEL_FILL, CHANNEL_ORDERS, CHANNEL_POSITIONS, CHANNEL_GROUPS)
_VITAL = (CHANNEL_FILL, CHANNEL_ORDERS)


class KalshiAccountStream:
    """Feed it frames and ticks; send what `take_commands` gives; read by REST when it asks for it."""

    def __init__(self, *, account: str, census: Census | None = None) -> None:
        self.reader = FrameReader(census)
        self.counts: Counter[str] = Counter()
        self.unreadable: list[ProtocolError] = []
        self.needs_reading = False
        self.stopped_groups: set[str] = set()
        self._account = account
        self._subscriptions = Subscriptions(Channel(name, takes_markets=False) for name in _CHANNELS)
        self._doubts: set[str] = set()
        self._lacks_channel = False

    def open(self, now_us: int) -> None:
        """The socket is connected; what happened before is known to REST only."""
        self.needs_reading, self._lacks_channel = True, False
        self._subscriptions.open(now_us)

    def close(self, now_us: int) -> list[Told]:
        """The socket is gone."""
        self._subscriptions.close()
        return []

    def tick(self, now_us: int) -> list[Told]:
        """Call a few times a second: retries what got no answer."""
        return self._bury(self._subscriptions.tick(now_us))

    @property
    def has_commands(self) -> bool:
        return self._subscriptions.has_commands

    def take_commands(self) -> list[str]:
        """The frames to send now, in order."""
        return self._subscriptions.take_commands()

    def take_doubts(self) -> set[str]:
        """Venue ids of orders whose state the stream did not tell: read each."""
        doubts, self._doubts = self._doubts, set()
        return doubts

    def feed(self, frame: str | bytes, received_us: int) -> list[Told]:
        """Everything one frame tells. What cannot be read is put on `unreadable`; REST must tell it then."""
        messages: list[Told] = []
        for line in lines_of(frame):
            try:
                messages += self._on_line(line, received_us)
            except ProtocolError as error:
                self.unreadable.append(error)
                self.needs_reading = True
        return messages

    def _on_line(self, line: str | bytes, received_us: int) -> list[Told]:
        frame = self.reader.read(line)
        if isinstance(frame, FillFrame):
            return [parse_user_fill(frame.msg, account=self._account)]
        if isinstance(frame, UserOrderFrame):
            return self._on_order(frame, received_us // 1000)
        if isinstance(frame, UserPositionFrame):
            return [parse_user_position(frame.msg, account=self._account, received_ms=received_us // 1000)]
        return self._on_rare(frame, received_us)

    def _on_order(self, frame: UserOrderFrame, received_ms: int) -> list[Told]:
        if frame.msg.status == _NO_STATUS:
            self._doubts.add(frame.msg.order_id)
            return []
        return [parse_user_order(frame.msg, account=self._account, received_ms=received_ms)]

    def _on_rare(self, frame: Frame | FrameType, received_us: int) -> list[Told]:
        if isinstance(frame, SubscribedFrame):
            return self._on_subscribed(frame, received_us)
        if isinstance(frame, ErrorFrame):
            self.counts["error"] += 1
            return self._bury(self._subscriptions.on_error(frame, received_us))
        if isinstance(frame, UnsubscribedFrame):
            return self._bury(self._subscriptions.on_unsubscribed(frame, received_us))
        if isinstance(frame, GroupFrame):
            self._on_group(frame)
        elif isinstance(frame, OkFrame):
            self._subscriptions.on_ok(frame)
        return []

    def _on_subscribed(self, frame: SubscribedFrame, now_us: int) -> list[Told]:
        self._subscriptions.on_subscribed(frame, now_us)
        if any(self._subscriptions.channels[name].sid is None for name in _VITAL):
            return []
        self.needs_reading, lacked, self._lacks_channel = True, self._lacks_channel, False
        return [FeedStatus(FEED, True)] if lacked else []

    def _on_group(self, frame: GroupFrame) -> None:
        """Remember which groups the venue stopped: a trader whose fence is among them is fenced out."""
        self._subscriptions.count(frame.sid, frame.seq)
        self.counts[f"group_{frame.msg.event_type}"] += 1
        if frame.msg.event_type in ("triggered", "deleted"):
            self.stopped_groups.add(frame.msg.order_group_id)
        elif frame.msg.event_type == "reset":
            self.stopped_groups.discard(frame.msg.order_group_id)

    def _bury(self, dead: list[Channel]) -> list[Told]:
        self.needs_reading = self.needs_reading or bool(dead)
        missed = [channel.name for channel in dead if channel.name in _VITAL]
        if not missed or self._lacks_channel:
            return []
        self._lacks_channel = True
        return [FeedStatus(FEED, False, f"the venue gives no {missed[0]}")]
