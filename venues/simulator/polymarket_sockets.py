"""The two websocket endpoints of the CLOB: market and user channel.

Keep-alive is text: the client says PING and gets PONG. A bad login is a closed connection without a word.
Source: polymarket/FACTS §6.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from venues.simulator.asgi import Socket
from venues.simulator.fault_wire import FrameDoor, admitted, connecting, estranged
from venues.simulator.faults import Call, FaultPlan
from venues.simulator.polymarket_gate import VENUE
from venues.simulator.polymarket_market_feed import MarketFeed, MarketSubscriber
from venues.simulator.polymarket_user_feed import UserFeed, UserSubscriber
from venues.simulator.polymarket_wallets import Keyring

T = TypeVar("T")
_POLICY_VIOLATION = 1008
_EVENT = re.compile(r'"event_type":"(\w+)"')


class LoginBody(msgspec.Struct, frozen=True, rename="camel"):
    api_key: str
    secret: str
    passphrase: str


class MarketFrame(msgspec.Struct, frozen=True):
    """What a client may say on the market channel."""

    type: str = ""
    operation: str = ""
    assets_ids: list[str] = []
    custom_feature_enabled: bool | None = None
    initial_dump: bool = True


class UserFrame(msgspec.Struct, frozen=True):
    """What a client may say on the user channel. `markets` empty or absent: all."""

    type: str = ""
    operation: str = ""
    auth: LoginBody | None = None
    markets: list[str] = []


class FaultyOutlet:
    """A socket behind the fault plan, which hears the channel as `op` and the kind of event as `reference`."""

    def __init__(self, socket: Socket, faults: FaultPlan, op: str, account_id: str = "") -> None:
        self._door = FrameDoor(socket)
        self._faults = faults
        self._op = op
        self._account_id = account_id

    def send(self, text: str) -> None:
        kind = _EVENT.search(text)
        told = self._faults.frame(Call(VENUE, self._op, self._account_id, kind[1] if kind else ""))
        self._door.send(text if told is None else estranged(text, told.trick), told)


class ChannelEndpoints:
    def __init__(
        self, *, markets: MarketFeed, users: UserFeed, keyring: Keyring, faults: FaultPlan, now_ms: Callable[[], int]
    ) -> None:
        self._markets = markets
        self._users = users
        self._keyring = keyring
        self._faults = faults
        self._now_ms = now_ms

    async def market(self, socket: Socket) -> None:
        refused = await admitted(self._faults, connecting(VENUE, channel="market"), socket)
        if refused is not None:
            await socket.turn_away(refused.status, refused.body)
            return
        await socket.accept()
        subscriber = self._markets.open(FaultyOutlet(socket, self._faults, "market"))
        try:
            while True:
                text = await socket.receive()
                if not _answered_ping(socket, text):
                    self._on_market_frame(subscriber, text)
        finally:
            self._markets.close(subscriber)

    def _on_market_frame(self, subscriber: MarketSubscriber, text: str) -> None:
        frame = _decoded(text, MarketFrame)
        if frame is None:
            return
        if frame.custom_feature_enabled is not None:
            subscriber.wants_custom = frame.custom_feature_enabled
        if frame.operation == "unsubscribe":
            subscriber.assets.difference_update(frame.assets_ids)
        elif frame.operation == "subscribe" or frame.type in ("market", "MARKET"):
            self._markets.subscribe(subscriber, frame.assets_ids, self._now_ms(), with_dump=frame.initial_dump)

    async def user(self, socket: Socket) -> None:
        await socket.accept()
        subscriber = await self._logged_in(socket)
        if subscriber is None:
            await socket.close(_POLICY_VIOLATION)
            return
        self._users.open(subscriber)
        try:
            while True:
                text = await socket.receive()
                if not _answered_ping(socket, text):
                    _on_user_frame(subscriber, text)
        finally:
            self._users.close(subscriber)

    async def _logged_in(self, socket: Socket) -> UserSubscriber | None:
        """The subscriber of the first frame that is no PING, None for a login that proves nothing."""
        text = await socket.receive()
        while _answered_ping(socket, text):
            text = await socket.receive()
        frame = _decoded(text, UserFrame)
        if frame is None or frame.auth is None:
            return None
        login = frame.auth
        key = self._keyring.find(api_key=login.api_key, secret=login.secret, passphrase=login.passphrase)
        if key is None:
            return None
        socket.account_id = key.wallet.account_id
        if await admitted(self._faults, connecting(VENUE, socket.account_id, "user"), socket) is not None:
            return None
        outlet = FaultyOutlet(socket, self._faults, "user", key.wallet.account_id)
        return UserSubscriber(outlet, key.wallet.account_id, set(frame.markets) or None)


def _on_user_frame(subscriber: UserSubscriber, text: str) -> None:
    frame = _decoded(text, UserFrame)
    if frame is None:
        return
    if frame.operation == "subscribe" and subscriber.markets is not None:
        subscriber.markets.update(frame.markets)
    elif frame.operation == "unsubscribe" and subscriber.markets is not None:
        subscriber.markets.difference_update(frame.markets)


def _answered_ping(socket: Socket, text: str) -> bool:
    if text.strip().upper() != "PING":
        return False
    socket.answer_keepalive("PONG")
    return True


def _decoded(text: str, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
