"""The WebSocket: commands, acknowledgements, and what goes wrong with them.

One `subscribed` per channel comes before any data of it; `ok` and `unsubscribed` take a number of the subscription's
sequence. Errors do not close the connection. Source: FACTS §7.2 and §7.5.
"""

from __future__ import annotations

from typing import Any

import msgspec

from venues.simulator.asgi import Socket
from venues.simulator.fault_wire import FrameDoor, admitted, connecting
from venues.simulator.kalshi_core import VENUE, WS_PATH, KalshiCore
from venues.simulator.kalshi_feed import BOOK, CHANNELS, COUNTED, FILTERED, TICKER, Feed, Subscription
from venues.simulator.kalshi_json import KalshiError

MESSAGES = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
}


class CommandError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code


class KalshiWebSocket:
    """The endpoint; one `Connection` per client."""

    def __init__(self, core: KalshiCore, feed: Feed) -> None:
        self._core = core
        self._feed = feed

    async def __call__(self, socket: Socket) -> None:
        """The upgrade is signed like a GET. Ends by SocketClosed."""
        try:
            account_id = self._core.keys.verify(
                socket.headers, method="GET", path=WS_PATH, wall_ms=self._core.wall_ms()
            )
        except KalshiError as unsigned:
            await socket.refuse(unsigned.reply)
            return
        refused = await admitted(self._core.faults, connecting(VENUE, account_id, "ws"), socket)
        if refused is not None:
            await socket.turn_away(refused.status, refused.body)
            return
        socket.account_id = account_id
        await socket.accept()
        connection = Connection(self._core, self._feed, socket, account_id)
        try:
            while True:
                connection.handle(await socket.receive())
        finally:
            connection.end()


class Connection:
    def __init__(self, core: KalshiCore, feed: Feed, socket: Socket, account_id: str) -> None:
        self._core = core
        self._feed = feed
        self._socket = socket
        self._door = FrameDoor(socket)
        self._account_id = account_id
        self._subscriptions: dict[int, Subscription] = {}
        self._last_sid = 0

    def handle(self, text: str) -> None:
        """Execute one command; its answer and its first data are queued when this returns."""
        command_id = 0
        try:
            command = _object(text)
            command_id = command.get("id", 0) if isinstance(command.get("id", 0), int) else 0
            self._execute(command, command_id)
        except CommandError as problem:
            message = {"code": problem.code, "msg": MESSAGES[problem.code]}
            self._reply({"type": "error"} | _named(command_id) | {"msg": message})

    def end(self) -> None:
        for subscription in self._subscriptions.values():
            self._feed.remove(subscription)
        self._subscriptions.clear()

    def _execute(self, command: dict[str, Any], command_id: int) -> None:
        name, params = command.get("cmd"), command.get("params")
        if name == "list_subscriptions":
            self._list(command_id)
            return
        if name not in ("subscribe", "unsubscribe", "update_subscription"):
            raise CommandError(5)
        if not isinstance(params, dict):
            raise CommandError(2)
        if name == "subscribe":
            self._subscribe(params, command_id)
        elif name == "unsubscribe":
            self._unsubscribe(params, command_id)
        else:
            self._update(params, command_id)

    def _subscribe(self, params: dict[str, Any], command_id: int) -> None:
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise CommandError(3)
        if any(channel not in CHANNELS for channel in channels):
            raise CommandError(8)
        tickers = _tickers(params)
        if BOOK in channels and not tickers:
            raise CommandError(14)
        made = [self._open(channel, tickers, params, command_id) for channel in channels]
        for subscription in made:
            self._start(subscription, params)

    def _open(self, channel: str, tickers: list[str] | None, params: dict[str, Any], command_id: int) -> Subscription:
        """Acknowledge a channel under a new sid."""
        self._last_sid += 1
        limited = set(tickers) if tickers and channel in FILTERED else None
        subscription = Subscription(
            self._door,
            self._account_id,
            self._last_sid,
            channel,
            limited,
            use_yes_price=params.get("use_yes_price") is True,
        )
        self._subscriptions[self._last_sid] = subscription
        message = {"channel": channel, "sid": self._last_sid}
        self._reply({"type": "subscribed"} | _named(command_id) | {"msg": message})
        return subscription

    def _start(self, subscription: Subscription, params: dict[str, Any]) -> None:
        self._feed.add(subscription)
        for ticker in _tickers(params) or ():
            if subscription.channel == BOOK:
                self._feed.send_snapshot(subscription, ticker)
            elif subscription.channel == TICKER and params.get("send_initial_snapshot") is True:
                self._feed.send_ticker(subscription, ticker)

    def _unsubscribe(self, params: dict[str, Any], command_id: int) -> None:
        sids = params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise CommandError(4)
        if any(sid not in self._subscriptions for sid in sids):
            raise CommandError(7)
        for sid in sids:
            subscription = self._subscriptions.pop(sid)
            self._feed.remove(subscription)
            self._reply({"type": "unsubscribed"} | _named(command_id) | _numbered(subscription))

    def _update(self, params: dict[str, Any], command_id: int) -> None:
        subscription = self._only_one(params)
        action, tickers = params.get("action"), _tickers(params)
        if not action:
            raise CommandError(15)
        if action not in ("add_markets", "delete_markets", "get_snapshot"):
            raise CommandError(13)
        if not tickers:
            raise CommandError(14)
        if subscription.channel not in FILTERED:
            raise CommandError(13)
        if action == "get_snapshot":
            for ticker in tickers:
                self._feed.send_snapshot(subscription, ticker, command_id=command_id)
        elif action == "add_markets":
            self._add_markets(subscription, tickers, command_id)
        else:
            self._delete_markets(subscription, tickers, command_id)

    def _add_markets(self, subscription: Subscription, tickers: list[str], command_id: int) -> None:
        """The `ok` first, then one snapshot per market that is new."""
        known = subscription.tickers if subscription.tickers is not None else set()
        added = [ticker for ticker in tickers if ticker not in known]
        subscription.tickers = known | set(added)
        self._acknowledge(subscription, command_id)
        if subscription.channel == BOOK:
            self._feed.add_books(subscription, added)
            for ticker in added:
                self._feed.send_snapshot(subscription, ticker)

    def _delete_markets(self, subscription: Subscription, tickers: list[str], command_id: int) -> None:
        if subscription.channel == BOOK:
            self._feed.remove_books(subscription, tickers)
        subscription.tickers = (subscription.tickers or set()) - set(tickers)
        self._acknowledge(subscription, command_id)

    def _list(self, command_id: int) -> None:
        rows = [{"channel": each.channel, "sid": each.sid} for each in self._subscriptions.values()]
        self._reply({"type": "ok"} | _named(command_id) | {"msg": rows})

    def _acknowledge(self, subscription: Subscription, command_id: int) -> None:
        message = {"market_tickers": sorted(subscription.tickers or ())}
        self._reply({"type": "ok"} | _named(command_id) | _numbered(subscription) | {"msg": message})

    def _only_one(self, params: dict[str, Any]) -> Subscription:
        sids = params.get("sids", [params["sid"]] if "sid" in params else [])
        if not isinstance(sids, list) or len(sids) != 1:
            raise CommandError(12)
        subscription = self._subscriptions.get(sids[0])
        if subscription is None:
            raise CommandError(7)
        return subscription

    def _reply(self, body: dict[str, object]) -> None:
        self._socket.send(msgspec.json.encode(body).decode() + "\n")


def _object(text: str) -> dict[str, Any]:
    try:
        command = msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        raise CommandError(1) from problem
    if not isinstance(command, dict):
        raise CommandError(1)
    return command


def _tickers(params: dict[str, Any]) -> list[str] | None:
    """The markets a command names; one or many, never both."""
    one, many = params.get("market_ticker"), params.get("market_tickers")
    if one is not None and many is not None:
        raise CommandError(11)
    tickers = [one] if one is not None else many
    if tickers is None:
        return None
    if not isinstance(tickers, list) or not all(isinstance(ticker, str) for ticker in tickers):
        raise CommandError(11)
    return list(dict.fromkeys(tickers))


def _named(command_id: int) -> dict[str, object]:
    """Id 0 is no id."""
    return {"id": command_id} if command_id else {}


def _numbered(subscription: Subscription) -> dict[str, object]:
    seq = subscription.next_seq()
    return {"sid": subscription.sid} | ({"seq": seq} if subscription.channel in COUNTED else {})
