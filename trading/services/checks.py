"""The periodic proof of the books: every enabled account is refolded and every difference raises an alert."""

from __future__ import annotations

import hashlib

from accounts.models import VenueAccount
from trading.services.records import alert_owner
from trading.services.refold import account_differences


def ledgers_check() -> int:
    """The number of differences over all accounts; the same difference alerts once."""
    found = 0
    for account in VenueAccount.objects.select_related("user").filter(is_enabled=True):
        for sentence in account_differences(account):
            found += 1
            key = hashlib.sha256(f"{account.uid}:{sentence}".encode()).hexdigest()
            alert_owner(
                account, code="ledger_difference", title="The books disagree", subject=account, key=key, body=sentence
            )
    return found
