"""Cash: append an entry and fold it into the account's balance, in the caller's transaction.

Invariant: `AccountLedger.cash_u` is the sum of the account's entries, always.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import VenueAccount
from core import clock
from trading.models import AccountLedger, CashEntry, CashKind, Fill
from trading.services.moves import lock_ledger
from trading.services.records import record_fact


def post_cash(
    account: VenueAccount,
    *,
    kind: CashKind,
    amount_u: int,
    ref: str,
    at: datetime,
    market_id: int | None = None,
    fill: Fill | None = None,
) -> CashEntry | None:
    """One signed entry, µUSD; None for an amount of zero. The same `kind` and `ref` twice is an IntegrityError."""
    if not amount_u:
        return None
    entry = CashEntry(
        venue_account=account, kind=kind, amount_u=amount_u, ref=ref, market_id=market_id, fill=fill, at=at
    )
    entry.save()
    rows = AccountLedger.objects.filter(venue_account=account)
    rows.update(cash_u=F("cash_u") + amount_u, updated_at=clock.now())
    return entry


@transaction.atomic(durable=True)
def cash_open(*, venue_account: VenueAccount, amount_u: int, at: datetime | None = None) -> bool:
    """The balance an account brought along, once; False when it was opened before."""
    lock_ledger(venue_account.pk)
    entries = CashEntry.objects.filter(venue_account=venue_account, kind=CashKind.OPENING)
    if entries.exists():
        return False
    _post_and_record(venue_account, CashKind.OPENING, amount_u, "opening", at or clock.now())
    return True


@transaction.atomic(durable=True)
def cash_record_external(*, venue_account: VenueAccount, amount_u: int, ref: str, at: datetime | None = None) -> bool:
    """A deposit or withdrawal outside of this system, named by the caller's `ref`; False for a repetition."""
    lock_ledger(venue_account.pk)
    entries = CashEntry.objects.filter(venue_account=venue_account, kind=CashKind.EXTERNAL, ref=ref)
    if entries.exists():
        return False
    _post_and_record(venue_account, CashKind.EXTERNAL, amount_u, ref, at or clock.now())
    return True


def _post_and_record(account: VenueAccount, kind: CashKind, amount_u: int, ref: str, at: datetime) -> None:
    post_cash(account, kind=kind, amount_u=amount_u, ref=ref, at=at)
    record_fact(
        account,
        kind=f"cash.{kind}",
        subject=account,
        subject_type="venue_account",
        payload={"amount_u": amount_u, "ref": ref},
        key=f"{account.uid}:{ref}",
    )
