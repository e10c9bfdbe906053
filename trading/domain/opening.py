"""What a session is opened from and can be stored as: a restart continues where the rows in the database end.

Invariant: `Session(config, session.export())` holds the same positions, orders, baselines and record. Books, games,
listings and links are not in it: their feeds bring them again.
"""

from __future__ import annotations

import msgspec

from trading.domain.commands import Baseline, SubmitOrder
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import TradingState
from venues.types import BalanceReport, Outcome


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """An open leg; fields as in `positions.Leg`."""

    account: str
    market_id: str
    outcome: Outcome
    qty_u: int
    paid_u: int
    fees_u: int
    realized_u: int = 0


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was not proven ended, or whose fills were not all seen. `seen_u`: how much of it was booked."""

    order: SubmitOrder
    status: OrderStatus = OrderStatus.CLAIMED
    filled_u: int = 0
    seen_u: int = 0
    client_order_id: str = ""
    venue_order_id: str = ""


class EntryPart(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that ended before all of it was filled, and what it brought."""

    account: str
    market_id: str
    outcome: Outcome
    filled_u: int
    asked_u: int


class ClosedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A position that is back at zero, by sale or settlement; `realized_u` is net of all fees."""

    account: str
    market_id: str
    outcome: Outcome
    realized_u: int
    closed_ms: int


class OpeningState(msgspec.Struct, frozen=True, kw_only=True):
    """`booked_fills`, `voided_fills` and `booked_settlements` are keys (`portfolio.fill_key`, `settlement_key`) whose
    effect the positions already contain: feeds repeat recent ones after a restart. `closed_trades` in order of time."""

    positions: tuple[OpenPosition, ...] = ()
    working_orders: tuple[WorkingOrder, ...] = ()
    entry_parts: tuple[EntryPart, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    closed_trades: tuple[ClosedTrade, ...] = ()
    balances: tuple[BalanceReport, ...] = ()
    booked_fills: tuple[str, ...] = ()
    voided_fills: tuple[str, ...] = ()
    booked_settlements: tuple[str, ...] = ()
    trading_state: TradingState = TradingState.ACTIVE
