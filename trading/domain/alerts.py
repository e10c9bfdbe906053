"""The alerts the session raises, in the words people read. Equal dedupe keys are one alert."""

from __future__ import annotations

from trading.domain.commands import AlertLevel, RaiseAlert
from trading.domain.intents import Intent
from venues.types import Outcome, SettlementReport


def fills_missing(intent: Intent) -> RaiseAlert:
    order = intent.order
    return RaiseAlert(
        level=AlertLevel.CRITICAL,
        code="fills_missing",
        title="Fills of an order have not arrived",
        body=f"{intent.filled_u} µcontracts were reported filled and {intent.seen_u} booked in {order.market_id}.",
        subject_type="order",
        subject_id=order.decision_id,
        dedupe_key=f"fills_missing|{order.decision_id}",
    )


def settlement_differs(report: SettlementReport, held: tuple[int, int]) -> RaiseAlert:
    return RaiseAlert(
        level=AlertLevel.CRITICAL,
        code="settlement_differs",
        title="A settlement differs from what we held",
        body=f"The venue settled {report.yes_qty_u} YES and {report.no_qty_u} NO µcontracts of {report.market_id}; "
        f"we held {held[0]} and {held[1]}.",
        subject_type="market",
        subject_id=report.market_id,
        dedupe_key=f"settlement_differs|{report.account}|{report.market_id}",
    )


def stale_data_exit(market_id: str, outcome: Outcome, *, age_s: int | str, limit_s: int | str) -> RaiseAlert:
    return RaiseAlert(
        level=AlertLevel.WARNING,
        code="stale_data_exit",
        title="Leaving a position on stale data",
        body=f"Data of {market_id} is {age_s} s old (limit {limit_s} s): selling at a limit price.",
        subject_type="market",
        subject_id=market_id,
        dedupe_key=f"stale_data_exit|{market_id}|{outcome}",
    )
