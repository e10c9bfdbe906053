"""`manage.py reconcile`: compare accounts with their venues now, and say what differs.

Exit code 0: clean; 1: there are differences or orders of ours that nobody here knows; 2: an account could not be read.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Mode, VenueAccount
from trading.models import ReconciliationRun, RunOutcome, RunTrigger
from trading.reading import reconcile
from trading.selectors.reconciliation import findings_of, orphans_of

CLEAN, DIFFERENCES, NOT_READ = 0, 1, 2


class Command(BaseCommand):
    help = "Compare our books with the venues', to the last unit. Reads only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", help="the uid or the key of one account; without it, all enabled ones")
        parser.add_argument("--json", action="store_true", help="one JSON object per account and line")

    def handle(self, **options: Any) -> None:
        code = CLEAN
        for account in _accounts(options["account"]):
            run = reconcile(account, trigger=RunTrigger.CLI)
            self.stdout.write(json.dumps(_facts(run)) if options["json"] else _sentence(run))
            code = max(code, _code_of(run))
        sys.exit(code)


def _accounts(wanted: str | None) -> list[VenueAccount]:
    rows = VenueAccount.objects.select_related("user").filter(is_enabled=True).exclude(mode=Mode.PAPER).order_by("id")
    chosen = [row for row in rows if not wanted or wanted in (str(row.uid), row.account_key)]
    if not chosen:
        raise CommandError("There is no such enabled account.", returncode=NOT_READ)
    return chosen


def _code_of(run: ReconciliationRun) -> int:
    return {RunOutcome.CLEAN: CLEAN, RunOutcome.DIFFERENCES: DIFFERENCES}.get(RunOutcome(run.outcome), NOT_READ)


def _facts(run: ReconciliationRun) -> dict[str, Any]:
    account = run.venue_account
    return {
        "account": str(account.uid),
        "venue": account.venue,
        "outcome": run.outcome,
        "detail": run.detail,
        "findings": [_finding(row.kind, row.text) for row in findings_of(account)],
        "orphans": [{"venue_order_id": row.venue_order_id, "market_id": row.market_id} for row in orphans_of(account)],
        "evidence": run.evidence,
    }


def _finding(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}


def _sentence(run: ReconciliationRun) -> str:
    account = run.venue_account
    lines = [f"{account} ({account.venue}): {run.outcome}" + (f": {run.detail}" if run.detail else "")]
    if run.outcome == RunOutcome.DIFFERENCES:
        lines += [f"  {row.text}" for row in findings_of(account)]
        lines += [f"  Order {row} is ours and not in our books." for row in orphans_of(account)]
    return "\n".join(lines)
