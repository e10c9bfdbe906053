"""Every trade with its life: who met whom, how far on chain it is, and what each account sees of it.

The exchange keeps an account's fills (and the state file keeps them for ever); what is added here is the counterparty
and the status in between. After a restart the counterparty of older fills is unknown and shows as the house.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import (
    ExchangeEvent,
    FillBooked,
    FillSettled,
    FillView,
    Traded,
    TradeLeg,
    TradeStatus,
    TradeStatusChanged,
)
from venues.simulator.polymarket_listing import Catalogue
from venues.simulator.polymarket_records import Identities, trade_record
from venues.types import SettleState, Side

PUBLIC_TRADES_KEPT = 1_000
_FINAL = {SettleState.CONFIRMED: TradeStatus.CONFIRMED, SettleState.FAILED: TradeStatus.FAILED}


class TradeLog:
    """Feed it every exchange event; read trades by account, by order, by market."""

    def __init__(self, exchange: Exchange, catalogue: Catalogue, names: Identities) -> None:
        self._exchange = exchange
        self._catalogue = catalogue
        self._names = names
        self._matches: dict[str, Traded] = {}
        self._statuses: dict[str, tuple[TradeStatus, int]] = {}
        self._fills: dict[str, dict[str, FillView]] = {}
        self._by_order: dict[str, list[str]] = {}
        self._public: dict[str, deque[Traded]] = {}

    def on_event(self, event: ExchangeEvent) -> None:
        match event:
            case Traded():
                self._public.setdefault(event.native_id, deque(maxlen=PUBLIC_TRADES_KEPT)).append(event)
                if not (event.taker.is_house and event.maker.is_house):
                    self._matches[event.trade_id] = event
            case TradeStatusChanged():
                self._statuses[event.trade_id] = (event.status, event.venue_ms)
            case FillBooked(fill=fill):
                self._by_order.setdefault(fill.order_id, []).append(fill.trade_id)
                self._fills.setdefault(fill.trade_id, {})[fill.leg] = fill
            case FillSettled(fill=fill):
                self._fills.setdefault(fill.trade_id, {})[fill.leg] = fill
            case _:
                return

    def public_trades(self, native_id: str) -> list[Traded]:
        """The latest matches of a market, oldest first."""
        return list(self._public.get(native_id, ()))

    def fills_of(self, trade_id: str) -> list[FillView]:
        """The client sides of a trade, one or two."""
        return list(self._fills.get(trade_id, {}).values())

    def trade_ids(self, order_id: str) -> list[str]:
        return list(self._by_order.get(order_id, ()))

    def reload(self) -> None:
        """Read all fills again: once, after the exchange was restored from its state file."""
        self._fills.clear()
        self._by_order.clear()
        for account_id in self._exchange.account_ids():
            for fill in self._exchange.fills(account_id):
                self.on_event(FillBooked(fill))

    def record(self, fill: FillView) -> dict[str, Any]:
        """The trade as the owner of `fill` sees it. Raises KeyError when its market is not listed."""
        listed = self._catalogue.by_condition(fill.native_id)
        if listed is None:
            raise KeyError(fill.native_id)
        status, updated_ms = self.status(fill)
        return trade_record(fill, self._other_leg(fill), listed, self._names, status=status, updated_ms=updated_ms)

    def status(self, fill: FillView) -> tuple[TradeStatus, int]:
        """The status and when it was reached."""
        known = self._statuses.get(fill.trade_id)
        return known or (_FINAL.get(fill.settle_state, TradeStatus.MATCHED), fill.venue_ms)

    def _other_leg(self, fill: FillView) -> TradeLeg:
        match = self._matches.get(fill.trade_id)
        if match is not None:
            return match.maker if fill.is_taker else match.taker
        opposite = Side.SELL if fill.side is Side.BUY else Side.BUY
        return TradeLeg("house", self._names.order_id(fill.trade_id), opposite, fill.outcome, fill.price_u, 0)
