"""The user channel as a pure state machine: our orders and trades as they happen, each trade status once.

A trade of a market we do not know cannot be booked (which token is YES? what is the fee?): it is parked, the market is
named in `missing`, and `learned` gives the fills once somebody has read it. Nothing private is dropped: a frame that
cannot be read sets `is_doubtful`, and the shell reads the account by REST. Source: FACTS §6.2.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TypeVar

import msgspec

from venues.errors import ProtocolError
from venues.polymarket.parse import Identity, fill_reports, order_report
from venues.polymarket.schemas import WireOpenOrder, WireTrade
from venues.polymarket.schemas_stream import UserProbe
from venues.polymarket.sign import PolymarketWallet
from venues.polymarket.stream_decode import objects_of
from venues.shapes import ready
from venues.types import AccountMessage, Venue, VenueMarket
from venues.wire import UNREADABLE, Census, decode

_SEEN_LIMIT = 20_000
_Object = TypeVar("_Object", WireOpenOrder, WireTrade)


class UserChannel:
    """`market_of` knows markets by condition id; it must not block."""

    def __init__(self, me: Identity, market_of: Callable[[str], VenueMarket | None]) -> None:
        self.census = Census(Venue.POLYMARKET)
        self.counts: Counter[str] = Counter()
        self.is_doubtful = False
        self._me = me
        self._market_of = market_of
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._parked: dict[str, list[WireTrade]] = {}

    @property
    def missing(self) -> list[str]:
        """Condition ids that trades wait for."""
        return list(self._parked)

    def feed(self, frame: str | bytes) -> list[AccountMessage]:
        """The messages of one frame. Never raises on what the venue sends."""
        try:
            objects = objects_of(frame)
        except ProtocolError:
            self._doubt("no_json")
            return []
        out: list[AccountMessage] = []
        for each in objects:
            try:
                out += self._take(each)
            except ProtocolError:
                self._doubt("unreadable")
        return out

    def trade(self, trade: WireTrade) -> list[AccountMessage]:
        """A trade read by REST, through the same sieve as those of the socket. Raises ProtocolError."""
        if self._is_repeated(trade):
            self.counts["repeated_trade"] += 1
            return []
        fills = self._fills(trade)
        self._note(trade)
        return fills

    def learned(self) -> list[AccountMessage]:
        """The fills of parked trades whose market is known by now."""
        known = [condition for condition in self._parked if self._market_of(condition) is not None]
        out: list[AccountMessage] = []
        for condition in known:
            for trade in self._parked.pop(condition):
                try:
                    out += self._fills(trade)
                except ProtocolError:
                    self._seen.pop(_news_of(trade), None)
                    self._doubt("unreadable")
        return out

    def _take(self, body: bytes) -> list[AccountMessage]:
        kind = _kind(body)
        if kind == "trade":
            return self.trade(self._read(body, WireTrade))
        if kind == "order":
            order = self._read(body, WireOpenOrder)
            return [order_report(order, self._me, self._market_of(order.market))]
        self._doubt("unknown_frame")
        return []

    def _fills(self, trade: WireTrade) -> list[AccountMessage]:
        market = self._market_of(trade.market)
        if market is None:
            self._parked.setdefault(trade.market, []).append(trade)
            return []
        return list(fill_reports(trade, self._me, market))

    def _is_repeated(self, trade: WireTrade) -> bool:
        """The venue repeats itself; (trade, status, our side) is news once."""
        return _news_of(trade) in self._seen

    def _note(self, trade: WireTrade) -> None:
        """It was told, or waits for its market: what could not be read is not known, and may come again."""
        self._seen[_news_of(trade)] = None
        if len(self._seen) > _SEEN_LIMIT:
            self._seen.popitem(last=False)

    def _read(self, body: bytes, schema: type[_Object]) -> _Object:
        return decode(body, schema, self.census)

    def _doubt(self, what: str) -> None:
        self.counts[what] += 1
        self.is_doubtful = True


def _news_of(trade: WireTrade) -> tuple[str, str, str]:
    return trade.id, trade.status.removeprefix("TRADE_STATUS_"), trade.trader_side


def _kind(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=ready(UserProbe)).kind
    except UNREADABLE as error:
        raise ProtocolError(f"not an object of the user channel: {error}", code="bad_json") from error


def subscription(wallet: PolymarketWallet) -> str:
    """The first text on the socket: signs in and asks for all markets."""
    auth = {"apiKey": wallet.api_key, "secret": wallet.secret, "passphrase": wallet.passphrase}
    return msgspec.json.encode({"type": "user", "auth": auth}).decode()
