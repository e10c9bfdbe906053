"""The user channel: an account's orders and trades as they change, trades again for every status they reach.

Nothing is replayed after a reconnect. An order that is matched on arrival is placed first and updated then; a killed
FOK is a CANCELLATION whose status is a sentence. Source: polymarket/FACTS §6.2, §11.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from venues.simulator.exchange_types import (
    ExchangeEvent,
    FillBooked,
    FillView,
    OrderChanged,
    Reason,
    TradeStatusChanged,
)
from venues.simulator.polymarket_listing import Catalogue
from venues.simulator.polymarket_market_feed import Outlet
from venues.simulator.polymarket_records import Identities, order_frame, trade_frame
from venues.simulator.polymarket_trades import TradeLog
from venues.types import OrderState

Frame = dict[str, Any]


class UserSubscriber(msgspec.Struct, eq=False):
    """One authenticated connection. `markets` None: all of them."""

    outlet: Outlet
    account_id: str
    markets: set[str] | None = None

    def wants(self, account_id: str, native_id: str) -> bool:
        return self.account_id == account_id and (self.markets is None or native_id in self.markets)


class UserFeed:
    """Feed it every exchange event after the trade log has seen it."""

    def __init__(self, catalogue: Catalogue, trades: TradeLog, names: Identities) -> None:
        self._catalogue = catalogue
        self._trades = trades
        self._names = names
        self._subscribers: list[UserSubscriber] = []
        self._placed: set[str] = set()

    def open(self, subscriber: UserSubscriber) -> None:
        self._subscribers.append(subscriber)

    def close(self, subscriber: UserSubscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def know_orders(self, order_ids: Iterable[str]) -> None:
        """Orders placed before a restart: their placement was told already."""
        self._placed.update(order_ids)

    def on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged():
                self._on_order(event)
            case FillBooked(fill=fill):
                self._send_trade(fill, fill.venue_ms)
            case TradeStatusChanged():
                self._on_status(event)
            case _:
                return

    def send(self, account_id: str, native_id: str, frame: Frame) -> None:
        text = msgspec.json.encode(frame).decode()
        for subscriber in self._subscribers:
            if subscriber.wants(account_id, native_id):
                subscriber.outlet.send(text)

    def _on_order(self, event: OrderChanged) -> None:
        order = event.order
        listed = self._catalogue.by_condition(order.native_id)
        if listed is None:
            return
        trade_ids = self._trades.trade_ids(order.order_id)
        for kind in self._kinds(event):
            frame = order_frame(order, listed, self._names, trade_ids, event.venue_ms, kind)
            self.send(order.account_id, order.native_id, frame)

    def _kinds(self, event: OrderChanged) -> tuple[str, ...]:
        order = event.order
        kinds: tuple[str, ...] = ()
        if order.order_id not in self._placed:
            self._placed.add(order.order_id)
            kinds = ("PLACEMENT",)
        if order.state in (OrderState.CANCELED, OrderState.EXPIRED):
            return (*kinds, "CANCELLATION")
        if not kinds or order.filled_u or event.reason is Reason.TRADED:
            return (*kinds, "UPDATE")
        return kinds

    def _on_status(self, event: TradeStatusChanged) -> None:
        for fill in self._trades.fills_of(event.trade_id):
            self._send_trade(fill, event.venue_ms)

    def _send_trade(self, fill: FillView, venue_ms: int) -> None:
        if self._catalogue.by_condition(fill.native_id) is not None:
            owner = self._names.owner(fill.account_id)
            frame = trade_frame(self._trades.record(fill), trade_owner=owner, venue_ms=venue_ms)
            self.send(fill.account_id, fill.native_id, frame)
