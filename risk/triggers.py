"""When trading stops by itself (STRATEGY §6): each trigger a pure question about numbers, each with its own default.

Story: whoever has the numbers asks (the trader after fills and settlements and every few seconds, beat for all), and a
`Trip` ends in `risk.services.halt_set` with its code and numbers. REDUCING and HALTED wait for a person; PAUSED is
lifted when its cause is gone. Invariant: a limit is the last value that is calm, except where it says "reached": losses
at their limit are too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from venues.types import MICRO


class Stop(StrEnum):
    """How trading stops: as `risk.models.HaltState`, which is no business of pure code."""

    REDUCING = "reducing"
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerLimits:
    """STRATEGY §6's defaults; the losses of the day and the drawdown come from the account's own limits."""

    losses: int = 4
    losses_of: int = 5
    drawdown_share_u: int = 200_000
    balance_drop_share_u: int = 250_000
    balance_floor_u: int = 50 * MICRO
    error_share_u: int = 500_000
    error_calls: int = 20
    error_window_ms: int = 60_000
    slippage_share_u: int = 20_000
    slippage_fills: int = 3
    orphans: int = 1
    unwinds: int = 3
    unwind_window_ms: int = 600_000
    stale_ms: int = 5_000
    skew_ms: int = 5_000
    skew_told_ms: int = 1_000
    lease_margin_ms: int = 2_000
    db_lost_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Trip:
    """A trigger that fired: on which number, against which limit, and how trading stops."""

    code: str
    stop: Stop
    value: int
    limit: int


DEFAULTS = TriggerLimits()


def daily_loss(loss_u: int, limit_u: int) -> Trip | None:
    """Realised and open losses of the day, µUSD; reached is too much, no loss never is."""
    return Trip("daily_loss", Stop.REDUCING, loss_u, limit_u) if loss_u >= max(1, limit_u) else None


def consecutive_losses(results_u: Sequence[int], limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Of the last closed positions, the latest first, so many lost. Fewer than the window are looked at as they are."""
    lost = sum(1 for result_u in results_u[: limits.losses_of] if result_u < 0)
    return Trip("consecutive_losses", Stop.REDUCING, lost, limits.losses) if lost >= limits.losses else None


def max_drawdown(equity_u: int, peak_u: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Millionths below the highest worth; reached is too much."""
    if peak_u <= 0:
        return None
    fallen_u = (peak_u - equity_u) * MICRO // peak_u
    limit_u = limits.drawdown_share_u
    return Trip("max_drawdown", Stop.REDUCING, fallen_u, limit_u) if fallen_u >= limit_u else None


def balance_drop(equity_u: int, day_start_u: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Millionths below the day's start, reached is too much; or below the floor. An account that began the day below
    the floor is not stopped for being small."""
    if day_start_u <= 0:
        return None
    fallen_u = (day_start_u - equity_u) * MICRO // day_start_u
    if fallen_u >= limits.balance_drop_share_u:
        return Trip("balance_drop", Stop.REDUCING, fallen_u, limits.balance_drop_share_u)
    if equity_u < limits.balance_floor_u <= day_start_u:
        return Trip("balance_floor", Stop.REDUCING, equity_u, limits.balance_floor_u)
    return None


def api_error_rate(calls: Sequence[tuple[int, bool]], now_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """`calls` are (when, failed). Of at least so many within the window, the share failed."""
    recent = [failed for at_ms, failed in calls if now_ms - at_ms <= limits.error_window_ms]
    if len(recent) < limits.error_calls:
        return None
    share_u = sum(recent) * MICRO // len(recent)
    return (
        Trip("api_error_rate", Stop.PAUSED, share_u, limits.error_share_u) if share_u >= limits.error_share_u else None
    )


def slippage_spike(slips_u: Sequence[int], limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """`slips_u`: millionths by which the last fills were worse than decided, the latest first. All of the last few were
    beyond the share."""
    last = slips_u[: limits.slippage_fills]
    if len(last) < limits.slippage_fills or min(last) <= limits.slippage_share_u:
        return None
    return Trip("slippage_spike", Stop.REDUCING, min(last), limits.slippage_share_u)


def orphaned_order(count: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Orders at the venue that are not in our books."""
    return Trip("orphaned_order", Stop.HALTED, count, limits.orphans) if count >= limits.orphans else None


def unwind_streak(unwound_ms: Sequence[int], now_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Broken legs unwound within the window."""
    count = sum(1 for at_ms in unwound_ms if now_ms - at_ms <= limits.unwind_window_ms)
    return Trip("unwind_streak", Stop.REDUCING, count, limits.unwinds) if count >= limits.unwinds else None


def stale_data(silent_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """Nothing at all was heard of a venue's market stream, or of an account's own."""
    return Trip("stale_data", Stop.PAUSED, silent_ms, limits.stale_ms) if silent_ms > limits.stale_ms else None


def clock_skew(skew_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    return Trip("clock_skew", Stop.PAUSED, abs(skew_ms), limits.skew_ms) if abs(skew_ms) > limits.skew_ms else None


def lost_lease(left_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """What is left of the right to trade is below the margin a claim needs."""
    limit = limits.lease_margin_ms
    return Trip("lost_lease", Stop.PAUSED, left_ms, limit) if left_ms < limit else None


def db_lost(away_ms: int, limits: TriggerLimits = DEFAULTS) -> Trip | None:
    """The database did not answer for so long."""
    return Trip("db_lost", Stop.PAUSED, away_ms, limits.db_lost_ms) if away_ms > limits.db_lost_ms else None
