"""Everything the trader keeps: settings, decisions, orders, fills, positions, cash, its lease and its state."""

from __future__ import annotations

from trading.domain.lifecycle import OrderStatus
from trading.models.orders import Decision, Order, OrderEvent
from trading.models.positions import (
    AccountLedger,
    CashEntry,
    CashKind,
    EquityMark,
    Fill,
    FillVoid,
    PnlDay,
    Position,
    Settlement,
)
from trading.models.reconciliation import (
    Finding,
    FindingState,
    OrphanedOrder,
    OrphanState,
    ReconciliationRun,
    RunOutcome,
    RunTrigger,
)
from trading.models.strategies import MarketConfig, SportConfig
from trading.models.trader import DesiredState, FenceState, TraderLease, TraderState, TraderStatus, VenueFence

__all__ = [
    "AccountLedger",
    "CashEntry",
    "CashKind",
    "Decision",
    "DesiredState",
    "EquityMark",
    "FenceState",
    "Fill",
    "FillVoid",
    "Finding",
    "FindingState",
    "MarketConfig",
    "Order",
    "OrderEvent",
    "OrderStatus",
    "OrphanState",
    "OrphanedOrder",
    "PnlDay",
    "Position",
    "ReconciliationRun",
    "RunOutcome",
    "RunTrigger",
    "Settlement",
    "SportConfig",
    "TraderLease",
    "TraderState",
    "TraderStatus",
    "VenueFence",
]
