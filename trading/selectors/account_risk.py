"""An account's own numbers, apart from any order: what stops all of its entries, and what the triggers ask about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from django.db import connection

from accounts.models import VenueAccount
from core.sql import Answer, Statement, run
from risk.checks import Verdict, judge_account
from risk.checks.values import ClaimSnapshot, Money, OrderAsk
from risk.claim_reads import limits_from, limits_read
from trading.models import CashKind, Decision, Fill
from venues.types import MICRO, Side

TRANSFERS = ", ".join(f"'{kind.value}'" for kind in (CashKind.OPENING, CashKind.EXTERNAL))
_NUMBERS = f"""
SELECT
  COALESCE((SELECT cash_u FROM trading_accountledger WHERE venue_account_id = %(account)s), 0),
  COALESCE((SELECT reserved_u FROM trading_accountledger WHERE venue_account_id = %(account)s), 0),
  COALESCE((SELECT CAST(SUM(paid_u + fees_u) AS BIGINT) FROM trading_position
    WHERE venue_account_id = %(account)s AND is_open), 0),
  COALESCE((SELECT realized_u FROM trading_pnlday WHERE venue_account_id = %(account)s AND day = %(day)s), 0),
  COALESCE((SELECT peak_u FROM trading_equitymark WHERE venue_account_id = %(account)s), 0),
  COALESCE((SELECT CAST(SUM(amount_u) AS BIGINT) FROM trading_cashentry
    WHERE venue_account_id = %(account)s AND kind IN ({TRANSFERS})), 0)
"""
"""By hand, because a trader asks for it every second: one statement in place of six."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNumbers:
    """µUSD. `deposits_u`: what was put in less what was taken out, ever."""

    money: Money
    deposits_u: int


def account_numbers(account: VenueAccount, *, at: datetime, unrealized_u: int = 0) -> AccountNumbers:
    return _numbers_of(run(_numbers_read(account, at))[0], unrealized_u)


def account_verdict(account: VenueAccount, *, at: datetime, unrealized_u: int) -> Verdict | None:
    """What refuses every entry of this account now (PT-13, PT-14), whatever the order; None: nothing."""
    said, numbers = run(limits_read(account, strategy=""), _numbers_read(account, at))
    held = limits_from(account, said)
    (results,) = run(_results_read(account.pk, at_most=held.limits.max_losses_in_a_row, since=held.losses_counted_from))
    streak = sum(1 for _ in takewhile(lambda row: row[0] < 0, results.rows))
    money = replace(_numbers_of(numbers, unrealized_u).money, losses_in_a_row=streak)
    return judge_account(ClaimSnapshot(ask=OrderAsk(cost_u=0, reduces=False), limits=held.limits, money=money))


def _numbers_read(account: VenueAccount, at: datetime) -> Statement:
    return Statement(_NUMBERS, {"account": account.pk, "day": connection.ops.adapt_datefield_value(at.date())})


def _results_read(account_pk: int, *, at_most: int, since: Any) -> Statement:
    """What the last closed positions earned, µUSD, the latest first; `since` as the database takes it, or None."""
    counted = "AND closed_at >= %s" if since is not None else ""
    sql = f"""SELECT realized_u FROM trading_position
        WHERE venue_account_id = %s AND NOT is_open AND bought_u > 0 {counted}
        ORDER BY closed_at DESC, id DESC LIMIT %s"""
    return Statement(sql, [account_pk, *([since] if since is not None else []), at_most])


def _numbers_of(answer: Answer, unrealized_u: int) -> AccountNumbers:
    cash_u, reserved_u, open_cost_u, realized_today_u, peak_u, deposits_u = answer.rows[0]
    money = Money(
        cash_u=cash_u,
        reserved_u=reserved_u,
        open_cost_u=open_cost_u,
        realized_today_u=realized_today_u,
        unrealized_u=unrealized_u,
        peak_u=peak_u,
    )
    return AccountNumbers(money=money, deposits_u=deposits_u)


def slippages_u(account: VenueAccount, *, last: int, since: datetime | None = None) -> list[int]:
    """Millionths by which the last takers' fills were worse than the best price their decision saw, the latest first;
    better is negative. A fill without a kept decision says nothing. `since`: only those booked later, by our clock."""
    rows = Fill.objects.filter(venue_account=account, order__isnull=False, is_taker=True).order_by("-venue_at", "-id")
    rows = rows.filter(created_at__gt=since) if since is not None else rows
    found = list(rows.values_list("side", "price_u", "order__decision_id")[:last])
    seen = {
        decision_id: (ask_u, bid_u)
        for decision_id, ask_u, bid_u in Decision.objects.filter(
            decision_id__in={decision_id for _, _, decision_id in found}
        ).values_list("decision_id", "ask_u", "bid_u")
    }
    slips = []
    for side, price_u, decision_id in found:
        ask_u, bid_u = seen.get(decision_id, (None, None))
        best_u = ask_u if side == Side.BUY else bid_u
        if best_u:
            slips.append((price_u - best_u if side == Side.BUY else best_u - price_u) * MICRO // best_u)
    return slips
