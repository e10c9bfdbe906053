"""From exchange events to subscriptions: who gets which frame, and with which sequence number.

`seq` counts per subscription, over all its markets and its control replies, from 1 without a gap. Channels without a
sequence may be lost without a trace, as at the venue. Source: FACTS §7.3.
"""

from __future__ import annotations

from collections.abc import Iterable

from venues.simulator.exchange_types import (
    BookChanged,
    ExchangeEvent,
    FillBooked,
    GroupChanged,
    MarketChange,
    MarketChanged,
    OrderChanged,
    PositionChanged,
    Traded,
)
from venues.simulator.fault_wire import FrameDoor
from venues.simulator.faults import Call, Trick
from venues.simulator.kalshi_core import VENUE, KalshiCore
from venues.simulator.kalshi_frames import (
    delta_message,
    event_message,
    frame,
    group_message,
    lifecycle_message,
    snapshot_message,
    ticker_message,
    trade_message,
)
from venues.simulator.kalshi_listing import quotes
from venues.simulator.kalshi_records import fill_message, position_message, user_order_message

BOOK = "orderbook_delta"
TICKER = "ticker"
TRADE = "trade"
FILL = "fill"
ORDERS = "user_orders"
POSITIONS = "market_positions"
LIFECYCLE = "market_lifecycle_v2"
GROUPS = "order_group_updates"
MULTIVARIATE = "multivariate_market_lifecycle"
COMMUNICATIONS = "communications"

CHANNELS = (BOOK, TICKER, TRADE, FILL, ORDERS, POSITIONS, LIFECYCLE, GROUPS, MULTIVARIATE, COMMUNICATIONS)
COUNTED = {BOOK, TRADE, LIFECYCLE, GROUPS, MULTIVARIATE, COMMUNICATIONS}
FILTERED = {BOOK, TICKER, TRADE, FILL, ORDERS, POSITIONS}
"""Channels that can be limited to markets."""
_FOREIGN_SIDS = 1_000


class Subscription:
    """One `sid` of one connection. `tickers` None: all markets."""

    def __init__(
        self, door: FrameDoor, account_id: str, sid: int, channel: str, tickers: set[str] | None, *, use_yes_price: bool
    ) -> None:
        self.door = door
        self.account_id = account_id
        self.sid = sid
        self.channel = channel
        self.tickers = tickers
        self.use_yes_price = use_yes_price
        self.seq = 0

    def next_seq(self) -> int | None:
        """None on channels that do not count."""
        if self.channel not in COUNTED:
            return None
        self.seq += 1
        return self.seq

    def covers(self, ticker: str) -> bool:
        return self.tickers is None or ticker in self.tickers


class Feed:
    """All live subscriptions. Book subscriptions are found by market, the others by channel."""

    def __init__(self, core: KalshiCore) -> None:
        self._core = core
        self._books: dict[str, dict[Subscription, None]] = {}
        self._others: dict[str, dict[Subscription, None]] = {channel: {} for channel in CHANNELS}
        self._market_ids: dict[str, str] = {}
        self._dirty: dict[str, None] = {}
        self._last_quotes: dict[str, dict[str, object]] = {}
        core.exchange.subscribe(self._on_event)
        core.exchange.on_commit(self._send_tickers)

    def add(self, subscription: Subscription) -> None:
        if subscription.channel == BOOK:
            self.add_books(subscription, subscription.tickers or ())
        else:
            self._others[subscription.channel][subscription] = None

    def remove(self, subscription: Subscription) -> None:
        if subscription.channel == BOOK:
            self.remove_books(subscription, list(subscription.tickers or ()))
        else:
            self._others[subscription.channel].pop(subscription, None)

    def add_books(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        for ticker in tickers:
            self._books.setdefault(ticker, {})[subscription] = None

    def remove_books(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        for ticker in tickers:
            self._books.get(ticker, {}).pop(subscription, None)

    def send_snapshot(self, subscription: Subscription, ticker: str, *, command_id: int = 0) -> None:
        """The whole book of a market; nothing for a ticker that does not exist."""
        if ticker not in self._core.catalog.markets:
            return
        market = self._core.exchange.market(ticker)
        message = snapshot_message(market, self._market_id(ticker), use_yes_price=subscription.use_yes_price)
        self._send(subscription, "orderbook_snapshot", message, command_id=command_id)

    def send_ticker(self, subscription: Subscription, ticker: str) -> None:
        if ticker in self._core.catalog.markets:
            market = self._core.exchange.market(ticker)
            message = ticker_message(market, self._market_id(ticker), self._core.clock_ms())
            self._send(subscription, TICKER, message)

    def _on_event(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._dirty[event.native_id] = None
                self._send_delta(event)
            case Traded():
                self._dirty[event.native_id] = None
                self._broadcast(TRADE, TRADE, trade_message(event), event.native_id)
            case FillBooked(fill=fill):
                message = fill_message(fill, shard=self._core.shard_of(fill.native_id))
                self._tell(FILL, FILL, message, fill.account_id, fill.native_id)
            case OrderChanged(order=order):
                message = user_order_message(order, shard=self._core.shard_of(order.native_id))
                self._tell(ORDERS, "user_order", message, order.account_id, order.native_id)
            case PositionChanged(position=position):
                message = position_message(position)
                self._tell(POSITIONS, "market_position", message, position.account_id, position.native_id)
            case GroupChanged():
                self._tell(GROUPS, GROUPS, group_message(event), event.group.account_id, "")
            case MarketChanged():
                self._send_lifecycle(event)
            case _:
                return

    def _send_delta(self, event: BookChanged) -> None:
        market_id = self._market_id(event.native_id)
        for subscription in self._books.get(event.native_id, ()):
            message = delta_message(
                event,
                market_id,
                use_yes_price=subscription.use_yes_price,
                is_own=bool(event.account_id) and event.account_id == subscription.account_id,
            )
            self._send(subscription, BOOK, message)

    def _send_lifecycle(self, event: MarketChanged) -> None:
        card = self._core.catalog.markets.get(event.native_id)
        if card is None or not self._others[LIFECYCLE]:
            return
        parent = self._core.catalog.events.get(card.event_ticker)
        is_first = self._core.catalog.market_tickers_of(card.event_ticker)[:1] == [event.native_id]
        if event.change is MarketChange.LISTED and is_first and parent is not None:
            self._broadcast(LIFECYCLE, "event_lifecycle", event_message(parent), event.native_id)
        message = lifecycle_message(event, self._core.exchange.market(event.native_id), card)
        if message is not None:
            self._broadcast(LIFECYCLE, LIFECYCLE, message, event.native_id)

    def _send_tickers(self) -> None:
        """At the end of an operation: the markets whose best quotes or last trade it changed."""
        dirty, self._dirty = self._dirty, {}
        subscriptions = self._others[TICKER]
        for ticker in dirty if subscriptions else ():
            market = self._core.exchange.market(ticker)
            best = quotes(market) | {"volume": market.volume_u}
            if self._last_quotes.get(ticker) == best:
                continue
            self._last_quotes[ticker] = best
            for subscription in subscriptions:
                if subscription.covers(ticker):
                    self.send_ticker(subscription, ticker)

    def _broadcast(self, channel: str, kind: str, message: object, ticker: str) -> None:
        for subscription in self._others[channel]:
            if subscription.covers(ticker):
                self._send(subscription, kind, message)

    def _tell(self, channel: str, kind: str, message: object, account_id: str, ticker: str) -> None:
        for subscription in self._others[channel]:
            if subscription.account_id == account_id and subscription.covers(ticker):
                self._send(subscription, kind, message)

    def _send(self, subscription: Subscription, kind: str, message: object, *, command_id: int = 0) -> None:
        """A frame that a fault withholds has used up its number: that is what a gap is."""
        told = self._core.faults.frame(Call(VENUE, kind, subscription.account_id, subscription.channel))
        sid = subscription.sid
        if told is not None and told.trick is Trick.SEQ_RESET:
            subscription.seq = 0
        elif told is not None and told.trick is Trick.UNKNOWN_SID:
            sid += _FOREIGN_SIDS
        text = frame(kind, message, sid=sid, seq=subscription.next_seq(), command_id=command_id)
        subscription.door.send(text, told)

    def _market_id(self, ticker: str) -> str:
        known = self._market_ids.get(ticker)
        if known is None:
            card = self._core.catalog.markets.get(ticker)
            known = self._market_ids[ticker] = card.market_id if card is not None else ""
        return known
