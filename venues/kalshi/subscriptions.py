"""The conversation on one Kalshi socket: commands and their answers, and which channels they opened or ended.

Pure: no socket, no clock; whoever owns it passes the time and sends what `take_commands` returns. A channel dies alone
(error 10 or 25) while the socket lives; it is subscribed again. A command without an answer within ten seconds counts
as refused, but for `get_snapshot`: it is answered by snapshots and no `ok`, and whoever waits for one asks again.
Source: docs.kalshi.com, WebSocket connection, October 2026.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from venues.kalshi.channels import Channel, Seq
from venues.kalshi.constants import TERMINAL_STREAM_ERRORS, UNKNOWN_SID
from venues.kalshi.schemas_stream import ErrorFrame, OkFrame, SubscribedFrame, UnsubscribedFrame

ACK_WITHIN_US = 10_000_000
_BARRED_US = 30_000_000
_ADD = "add_markets"
_SNAPSHOT = "get_snapshot"


class _Pending(msgspec.Struct):
    """A command without an answer yet: `subscribe` or the action of an update."""

    cmd: str
    channel: Channel
    markets: frozenset[str]
    sent_us: int


class Subscriptions:
    """All channels of one connection. Methods that learn of dead channels return them."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self.by_sid: dict[int, Channel] = {}
        self.wanted: frozenset[str] = frozenset()
        self.refusals: list[str] = []
        self._is_open = False
        self._commands: list[str] = []
        self._pending: dict[int, _Pending] = {}
        self._barred_until: dict[str, int] = {}
        self._next_id = 1

    def open(self, now_us: int) -> None:
        """A new connection: nothing of the old one holds. Subscribes to what is wanted."""
        self.close()
        self._is_open = True
        for channel in self.channels.values():
            channel.attempts = channel.retry_us = 0
        self.sync(now_us)

    def close(self) -> None:
        """The connection is gone."""
        self._is_open = False
        self._commands.clear()
        self._pending.clear()
        self.by_sid.clear()
        for channel in self.channels.values():
            channel.forget()

    @property
    def has_commands(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._commands)

    def take_commands(self) -> list[str]:
        """The frames to send now, in order."""
        commands, self._commands = self._commands, []
        return commands

    def want(self, markets: Iterable[str], now_us: int) -> None:
        """Set which markets to stream."""
        self.wanted = frozenset(markets)
        self.sync(now_us)

    def sync(self, now_us: int) -> None:
        """Ask for whatever is wanted and not asked for yet."""
        if not self._is_open:
            return
        for channel in self.channels.values():
            if channel.sid is not None:
                self._adjust(channel, now_us)
            elif now_us >= channel.retry_us and not self._is_subscribing(channel):
                self._subscribe(channel, now_us)

    def tick(self, now_us: int) -> list[Channel]:
        """Give up on answers that never came, retry what is due. Returns the channels that died."""
        late = [number for number, pending in self._pending.items() if now_us - pending.sent_us > ACK_WITHIN_US]
        unanswered = [pending for pending in map(self._pending.pop, late) if pending.cmd != _SNAPSHOT]
        dead = {id(pending.channel): pending.channel for pending in unanswered}
        for channel in dead.values():
            self._kill(channel, now_us, unsubscribe=True)
        self.sync(now_us)
        return list(dead.values())

    def request_snapshots(self, channel: Channel, markets: Collection[str], now_us: int) -> None:
        """Ask for the whole books of some markets of a live channel."""
        if channel.sid is not None and markets:
            self._update(channel, _SNAPSHOT, frozenset(markets), now_us)

    def end(self, channel: Channel, now_us: int) -> list[Channel]:
        """Give up a channel that is silent and subscribe it anew. Returns it, as it died."""
        if channel.sid is None:
            return []
        self._kill(channel, now_us, unsubscribe=True)
        self.sync(now_us)
        return [channel]

    def _subscribe(self, channel: Channel, now_us: int) -> None:
        params: dict[str, Any] = {"channels": [channel.name], **channel.extra}
        if channel.takes_markets:
            markets = self._askable(now_us)
            if not markets:
                return
            params["market_tickers"] = sorted(markets)
            channel.asked = dict.fromkeys(markets, now_us)
        self._pending[self._send("subscribe", params)] = _Pending(
            "subscribe", channel, frozenset(channel.asked), now_us
        )

    def _adjust(self, channel: Channel, now_us: int) -> None:
        if not channel.takes_markets:
            return
        markets = self._askable(now_us)
        if not markets:
            self._unsubscribe(channel)
            return
        added, dropped = markets - channel.asked.keys(), frozenset(channel.asked.keys() - markets)
        channel.asked = {market: channel.asked.get(market, now_us) for market in markets}
        if added:
            self._update(channel, _ADD, added, now_us)
        if dropped:
            self._update(channel, "delete_markets", dropped, now_us)

    def _update(self, channel: Channel, action: str, markets: frozenset[str], now_us: int) -> None:
        params = {"sids": [channel.sid], "market_tickers": sorted(markets), "action": action}
        number = self._send("update_subscription", params)
        self._pending[number] = _Pending(action, channel, markets, now_us)

    def _askable(self, now_us: int) -> frozenset[str]:
        """What is wanted, without the markets that the venue refused a moment ago: one must not bar the others."""
        if not self._barred_until:
            return self.wanted
        self._barred_until = {market: until for market, until in self._barred_until.items() if until > now_us}
        return self.wanted - self._barred_until.keys()

    def _unsubscribe(self, channel: Channel) -> None:
        sid = channel.sid
        if sid is not None:
            self.by_sid.pop(sid, None)
            channel.forget()
            self._send("unsubscribe", {"sids": [sid]})

    def _send(self, cmd: str, params: dict[str, Any]) -> int:
        number, self._next_id = self._next_id, self._next_id + 1
        self._commands.append(msgspec.json.encode({"id": number, "cmd": cmd, "params": params}).decode())
        return number

    def _is_subscribing(self, channel: Channel) -> bool:
        return any(pending.channel is channel and pending.cmd == "subscribe" for pending in self._pending.values())

    def on_subscribed(self, frame: SubscribedFrame, now_us: int) -> None:
        """A channel has its sid. One that nobody waits for any more (a late answer) is given back."""
        pending = self._pending.pop(frame.id, None)
        if pending is None or pending.channel.sid is not None:
            self._send("unsubscribe", {"sids": [frame.msg.sid]})
            return
        channel = pending.channel
        channel.sid, channel.last_seq, channel.opened_us = frame.msg.sid, 0, now_us
        self.by_sid[frame.msg.sid] = channel
        self.sync(now_us)

    def on_ok(self, frame: OkFrame) -> tuple[Channel | None, Seq]:
        """An `ok` counts in its subscription. Returns the channel and whether frames were lost before it."""
        self._pending.pop(frame.id, None)
        return self.count(frame.sid, frame.seq)

    def on_unsubscribed(self, frame: UnsubscribedFrame, now_us: int) -> list[Channel]:
        """Ours is forgotten already; one that the venue ended by itself is dead."""
        channel = self.by_sid.get(frame.sid)
        if channel is None:
            return []
        self._kill(channel, now_us)
        self.sync(now_us)
        return [channel]

    def on_error(self, frame: ErrorFrame, now_us: int) -> list[Channel]:
        """A refused command or a dead subscription. Returns the channels that died."""
        pending = self._pending.pop(frame.id, None) if frame.id else None
        channel = pending.channel if pending is not None else self.by_sid.get(frame.sid)
        self.refusals.append(f"{frame.msg.code} {frame.msg.msg}".strip())
        if channel is None:
            return self._on_orphan_error(frame, now_us)
        is_dead = frame.msg.code in TERMINAL_STREAM_ERRORS or frame.msg.code == UNKNOWN_SID or channel.sid is None
        self._bar(frame, pending, now_us)
        if is_dead:
            self._kill(channel, now_us)
            self.sync(now_us)
            return [channel]
        self.count(frame.sid, frame.seq)
        return []

    def _bar(self, frame: ErrorFrame, pending: _Pending | None, now_us: int) -> None:
        """Leave out for a while the market an error names, or all that a refused `add_markets` asked for."""
        named = frame.msg.market_ticker
        refused = pending.markets if pending is not None and pending.cmd == _ADD else frozenset[str]()
        for market in {named} - {""} or refused:
            self._barred_until[market] = now_us + _BARRED_US
        if pending is not None:
            pending.channel.asked = {name: at for name, at in pending.channel.asked.items() if name not in refused}

    def count(self, sid: int, seq: int) -> tuple[Channel | None, Seq]:
        """Count a frame of a subscription; frames without a sid or a seq count as next."""
        channel = self.by_sid.get(sid)
        return channel, channel.advance(seq) if channel is not None and seq else Seq.NEXT

    def _on_orphan_error(self, frame: ErrorFrame, now_us: int) -> list[Channel]:
        """A terminal error that names no subscription: trust none. One that names a dead one is no news."""
        if frame.msg.code not in TERMINAL_STREAM_ERRORS or frame.sid:
            return []
        dead = [self._kill(channel, now_us, unsubscribe=True) for channel in list(self.by_sid.values())]
        self.sync(now_us)
        return dead

    def _kill(self, channel: Channel, now_us: int, *, unsubscribe: bool = False) -> Channel:
        if channel.sid is not None:
            self.by_sid.pop(channel.sid, None)
            if unsubscribe:
                self._send("unsubscribe", {"sids": [channel.sid]})
        self._pending = {number: kept for number, kept in self._pending.items() if kept.channel is not channel}
        channel.fail(now_us)
        return channel
