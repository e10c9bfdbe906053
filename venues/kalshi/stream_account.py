"""The private stream as a pure state machine: our fills, orders, positions and order groups.

None of these frames carries a `seq`, so nothing shows what was lost: whoever owns the machine reads orders, fills and
positions by REST after each connection, after a frame that cannot be read and after a channel died. `needs_reading`
says when. An order whose status the venue calls `unknown` is named in `take_doubts` and must be read one by one.
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
from venues.types import AccountMessage
from venues.wire import Census

_NO_STATUS = "unknown"
_CHANNELS = (CHANNEL_FILL, CHANNEL_ORDERS, CHANNEL_POSITIONS, CHANNEL_GROUPS)


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

    def open(self, now_us: int) -> None:
        """The socket is connected; what happened before is known to REST only."""
        self.needs_reading = True
        self._subscriptions.open(now_us)

    def close(self, now_us: int) -> list[AccountMessage]:
        """The socket is gone."""
        self._subscriptions.close()
        return []

    def tick(self, now_us: int) -> list[AccountMessage]:
        """Call a few times a second: retries what got no answer."""
        self._bury(self._subscriptions.tick(now_us))
        return []

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

    def feed(self, frame: str | bytes, received_us: int) -> list[AccountMessage]:
        """Everything one frame tells. What cannot be read is put on `unreadable`; REST must tell it then."""
        messages: list[AccountMessage] = []
        for line in lines_of(frame):
            try:
                messages += self._on_line(line, received_us)
            except ProtocolError as error:
                self.unreadable.append(error)
                self.needs_reading = True
        return messages

    def _on_line(self, line: str | bytes, received_us: int) -> list[AccountMessage]:
        frame = self.reader.read(line)
        if isinstance(frame, FillFrame):
            return [parse_user_fill(frame.msg, account=self._account)]
        if isinstance(frame, UserOrderFrame):
            return self._on_order(frame, received_us // 1000)
        if isinstance(frame, UserPositionFrame):
            return [parse_user_position(frame.msg, account=self._account, received_ms=received_us // 1000)]
        self._on_rare(frame, received_us)
        return []

    def _on_order(self, frame: UserOrderFrame, received_ms: int) -> list[AccountMessage]:
        if frame.msg.status == _NO_STATUS:
            self._doubts.add(frame.msg.order_id)
            return []
        return [parse_user_order(frame.msg, account=self._account, received_ms=received_ms)]

    def _on_rare(self, frame: Frame | FrameType, received_us: int) -> None:
        if isinstance(frame, GroupFrame):
            self._on_group(frame)
        elif isinstance(frame, SubscribedFrame):
            self._subscriptions.on_subscribed(frame, received_us)
        elif isinstance(frame, OkFrame):
            self._subscriptions.on_ok(frame)
        elif isinstance(frame, ErrorFrame):
            self.counts["error"] += 1
            self._bury(self._subscriptions.on_error(frame, received_us))
        elif isinstance(frame, UnsubscribedFrame):
            self._bury(self._subscriptions.on_unsubscribed(frame, received_us))

    def _on_group(self, frame: GroupFrame) -> None:
        """Remember which groups the venue stopped: a trader whose fence is among them is fenced out."""
        self._subscriptions.count(frame.sid, frame.seq)
        self.counts[f"group_{frame.msg.event_type}"] += 1
        if frame.msg.event_type in ("triggered", "deleted"):
            self.stopped_groups.add(frame.msg.order_group_id)
        elif frame.msg.event_type == "reset":
            self.stopped_groups.discard(frame.msg.order_group_id)

    def _bury(self, dead: list[Channel]) -> None:
        if dead:
            self.needs_reading = True
