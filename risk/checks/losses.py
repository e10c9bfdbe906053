"""What was lost: PT-13 of the day, PT-14 from the peak, and losses in a row. A loss at its limit stops new risk.

Here the limit is the first amount that is refused: a limit of 0 allows nothing.
"""

from __future__ import annotations

from risk.checks.values import Breach, ClaimSnapshot, share_of
from risk.limits import Level
from venues.types import MICRO

SYSTEM_LOSS_SHARE_U = 50_000
STRATEGY_LOSS_SHARE_U = 50_000


def daily_loss(one: ClaimSnapshot) -> Breach | None:
    """PT-13: realised and open losses of the account's day, in money."""
    return _reached("daily_loss", one, one.money.loss_today_u, one.limits.max_daily_loss_usd_u, "max_daily_loss_usd_u")


def daily_loss_share(one: ClaimSnapshot) -> Breach | None:
    """PT-13: the same, against the account's worth this morning."""
    limit_u = share_of(one.money.day_start_u, one.limits.max_daily_loss_share_u)
    return _reached("daily_loss", one, one.money.loss_today_u, limit_u, "max_daily_loss_share_u", from_u=1)


def strategy_loss(one: ClaimSnapshot) -> Breach | None:
    """PT-13: what this strategy lost for good today, against 5 % of the account's worth."""
    limit_u = share_of(one.money.day_start_u, STRATEGY_LOSS_SHARE_U)
    return _reached("strategy_loss", one, -one.money.strategy_today_u, limit_u, "", from_u=1)


def system_loss(one: ClaimSnapshot) -> Breach | None:
    """PT-13: what all accounts lost for good today, against 5 % of all their worth."""
    limit_u = share_of(one.money.system_worth_u, SYSTEM_LOSS_SHARE_U)
    return _reached("system_loss", one, -one.money.system_today_u, limit_u, "", from_u=1)


def drawdown(one: ClaimSnapshot) -> Breach | None:
    """PT-14: below the highest worth there was, in millionths of it. Not judged before a peak is known."""
    peak_u = one.money.peak_u
    if peak_u <= 0:
        return None
    fallen_u = (peak_u - one.money.equity_u) * MICRO // peak_u
    return _reached("drawdown", one, fallen_u, one.limits.max_drawdown_share_u, "max_drawdown_share_u")


def losses_in_a_row(one: ClaimSnapshot) -> Breach | None:
    """PT-14: until a person looked."""
    limit = one.limits.max_losses_in_a_row
    return _reached("loss_streak", one, one.money.losses_in_a_row, limit, "max_losses_in_a_row")


def _reached(code: str, one: ClaimSnapshot, value: int, limit: int, name: str, *, from_u: int = 0) -> Breach | None:
    """At the limit is too much; `from_u`: below this it is no loss at all."""
    if one.ask.reduces or value < max(limit, from_u):
        return None
    return Breach(code, value, limit, level=one.limits.level_of(name) if name else Level.HARD_CAP)
