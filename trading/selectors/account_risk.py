"""An account's own numbers, apart from any order: what stops all of its entries, and what the triggers ask about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Sum

from accounts.models import VenueAccount
from risk.checks import Verdict, judge_account
from risk.checks.values import ClaimSnapshot, Money, OrderAsk
from risk.selectors import limits_held
from trading.models import AccountLedger, CashEntry, CashKind, Decision, EquityMark, Fill, Position
from trading.selectors.risk import losses_in_a_row, realized_on
from venues.types import MICRO, Side

TRANSFERS = (CashKind.OPENING, CashKind.EXTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNumbers:
    """µUSD. `deposits_u`: what was put in less what was taken out, ever."""

    money: Money
    deposits_u: int
    mark: EquityMark | None


def account_numbers(account: VenueAccount, *, at: datetime, unrealized_u: int = 0) -> AccountNumbers:
    ledger = AccountLedger.objects.filter(venue_account=account).first() or AccountLedger()
    held = Position.objects.filter(venue_account=account, is_open=True)
    cost_u = held.aggregate(u=Sum(F("paid_u") + F("fees_u"), default=0))["u"]
    moved = CashEntry.objects.filter(venue_account=account, kind__in=TRANSFERS)
    mark = EquityMark.objects.filter(venue_account=account).first()
    money = Money(
        cash_u=ledger.cash_u,
        reserved_u=ledger.reserved_u,
        open_cost_u=int(cost_u),
        realized_today_u=realized_on(account, at.date()),
        unrealized_u=unrealized_u,
        peak_u=mark.peak_u if mark else 0,
    )
    return AccountNumbers(money=money, deposits_u=int(moved.aggregate(u=Sum("amount_u", default=0))["u"]), mark=mark)


def account_verdict(account: VenueAccount, *, at: datetime, unrealized_u: int) -> Verdict | None:
    """What refuses every entry of this account now (PT-13, PT-14), whatever the order; None: nothing."""
    held = limits_held(account, strategy="")
    numbers = account_numbers(account, at=at, unrealized_u=unrealized_u)
    streak = losses_in_a_row(account, at_most=held.limits.max_losses_in_a_row, since=held.losses_counted_from)
    changed: dict[str, Any] = {name: getattr(numbers.money, name) for name in Money.__dataclass_fields__}
    money = Money(**{**changed, "losses_in_a_row": streak})
    return judge_account(ClaimSnapshot(ask=OrderAsk(cost_u=0, reduces=False), limits=held.limits, money=money))


def slippages_u(account: VenueAccount, *, last: int) -> list[int]:
    """Millionths by which the last takers' fills were worse than the best price their decision saw, the latest first;
    better is negative. A fill without a kept decision says nothing."""
    rows = Fill.objects.filter(venue_account=account, order__isnull=False, is_taker=True).order_by("-venue_at", "-id")
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
