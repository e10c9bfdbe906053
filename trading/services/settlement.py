"""Book what a settled market paid and close the positions in it; once per account and market, however often told.

A venue that pays in parts tells a growing payout: each growth is a cash entry of its own. One that settles anew tells
another value at a later time, and takes back or adds the difference: that is an entry, too. Invariant: what the market
paid is the sum of its SETTLEMENT entries, and the positions are folded with that sum.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from accounts.models import VenueAccount
from core import clock
from core.kill_points import kill_point
from markets.models import Market
from trading.models import CashEntry, CashKind, Settlement
from trading.services.cash import post_cash
from trading.services.moves import lock_ledger
from trading.services.positions import (
    positions_store,
    settled_paid_u,
    settlement_fact,
    stays_kept,
    stays_refolded,
)
from trading.services.records import alert_owner, record_fact
from trading.services.stays import MarketStays
from venues.types import Outcome, SettlementReport


@transaction.atomic(durable=True)
def settlement_book(*, venue_account: VenueAccount, report: SettlementReport) -> Settlement | None:
    """Credit the venue's payout and close the market's positions; None when it is booked already.

    What the venue paid is the truth: quantities or a payout unlike ours raise an alert and are booked as reported. A
    greater payout than before, or another value told of a later time, books the difference, with an alert; a smaller
    payout of the same value only alerts (it was read in part), and so does anything older than what is booked.
    """
    lock_ledger(venue_account.pk)
    kill_point("P13.locked")
    market = Market.objects.get(market_id=report.market_id)
    known = Settlement.objects.filter(venue_account=venue_account, market=market).first()
    if known is not None:
        return _pay_rest(venue_account, known, report)
    row = _insert(venue_account, market, report)
    kill_point("P13.after_insert")
    stays = stays_kept(venue_account, market)
    _check_quantities(venue_account, row, stays)
    _post_payout(row, row.payout_u, ref=market.market_id, at=row.venue_at)
    kill_point("P13.after_cash")
    stays.settle(settlement_fact(row, payout_u=row.payout_u))
    positions_store(venue_account, market, stays, at=row.venue_at)
    facts = {"market_id": market.market_id, "value_u": row.value_u, "payout_u": row.payout_u}
    record_fact(
        venue_account, kind="market.settled", subject=row, subject_type="settlement", payload=facts, key=str(row.uid)
    )
    kill_point("P13.before_commit")
    return row


def _pay_rest(account: VenueAccount, known: Settlement, report: SettlementReport) -> Settlement | None:
    """Credit what was paid since; None when there is nothing to credit."""
    paid_u, last = settled_paid_u(account, known.market), _last_told(known)
    if (last.value_u, paid_u) == (report.value_u, report.payout_u):
        return None
    _alert_other_numbers(account, known, report, paid_u, last)
    rest_u = report.payout_u - paid_u
    market, at = known.market, clock.from_ms(report.venue_ms)
    is_anew = last.value_u != report.value_u
    if at < last.at or not rest_u or (at == last.at if is_anew else rest_u < 0):
        return None
    _post_payout(known, rest_u, ref=_ref_of(report, is_anew=is_anew), at=at)
    positions_store(account, market, stays_refolded(account, market), at=at)
    facts = {"market_id": market.market_id, "payout_u": report.payout_u, "rest_u": rest_u, "value_u": report.value_u}
    key = f"{known.uid}:{report.payout_u}:{report.venue_ms}"
    record_fact(account, kind="market.paid_rest", subject=known, subject_type="settlement", payload=facts, key=key)
    return known


class _Told(NamedTuple):
    """What the newest part that is booked was paid for: the market's value then, and the venue's time."""

    value_u: int
    at: datetime


def _last_told(known: Settlement) -> _Told:
    """By the entries' references: one of a market settled anew names the value (`_ref_of`)."""
    told = _Told(known.value_u, known.venue_at)
    entries = CashEntry.objects.filter(venue_account=known.venue_account, market=known.market, kind=CashKind.SETTLEMENT)
    for ref, at in entries.order_by("at", "id").values_list("ref", "at"):
        _, *parts = ref.removeprefix(known.market.market_id).split(":")
        told = _Told(int(parts[1]) if len(parts) > 1 else told.value_u, max(told.at, at))
    return told


def _ref_of(report: SettlementReport, *, is_anew: bool) -> str:
    """Market and payout; anew with value and time too, unlike any part before: a payout may come twice then."""
    ref = f"{report.market_id}:{report.payout_u}"
    return f"{ref}:{report.value_u}:{report.venue_ms}" if is_anew else ref


def _post_payout(row: Settlement, amount_u: int, *, ref: str, at: datetime) -> None:
    post_cash(row.venue_account, kind=CashKind.SETTLEMENT, amount_u=amount_u, ref=ref, at=at, market_id=row.market_id)


def _insert(account: VenueAccount, market: Market, report: SettlementReport) -> Settlement:
    row = Settlement(
        venue_account=account,
        market=market,
        value_u=report.value_u,
        yes_qty_u=report.yes_qty_u,
        no_qty_u=report.no_qty_u,
        payout_u=report.payout_u,
        venue_at=clock.from_ms(report.venue_ms),
    )
    row.save()
    return row


def _check_quantities(account: VenueAccount, row: Settlement, stays: MarketStays) -> None:
    held = stays.holding
    ours = (held.leg(Outcome.YES).qty_u, held.leg(Outcome.NO).qty_u)
    if ours != (row.yes_qty_u, row.no_qty_u):
        alert_owner(
            account,
            code="settlement_mismatch",
            title=f"{row.market} was settled for other quantities than ours",
            subject=row,
            key=str(row.uid),
            body=f"Ours: {ours[0]} YES, {ours[1]} NO; the venue's: {row.yes_qty_u} YES, {row.no_qty_u} NO µcontracts.",
        )


def _alert_other_numbers(
    account: VenueAccount, known: Settlement, report: SettlementReport, paid_u: int, last: _Told
) -> None:
    alert_owner(
        account,
        code="settlement_mismatch",
        title=f"{known.market} was settled again with other numbers",
        subject=known,
        key=f"{known.uid}:{last.value_u}:{report.value_u}:{report.payout_u}",
        body=f"Booked {paid_u} µUSD at {last.value_u}, told {report.payout_u} µUSD at {report.value_u}.",
    )
