"""`manage.py check_invariants`: ask every invariant of the rows; exit code 2 at a violation, which it names.

A violation counts when a second look finds the same one, so it may be asked of a running system. With `--ledger
http://host:port` (a simulator's control port) our books are compared with the venue's own, too: do that at rest, when
nothing is on its way.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError

from trading.selectors.invariants import CHECKS, CONFIRM_AFTER_S, confirmed_violations
from venues.errors import VenueError
from venues.simulator.remote import SimulatorControl


class Command(BaseCommand):
    help = "Check what must always be true of orders, fills, cash and their records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument("--ledger", default="", metavar="URL", help="a simulator's control port to compare with")
        parser.add_argument("--without", nargs="*", default=[], metavar="INV", help="checks to leave out")
        parser.add_argument(
            "--confirm-after", type=float, default=CONFIRM_AFTER_S, metavar="SECONDS", help="between the two looks"
        )

    def handle(self, **given: Any) -> None:
        if unknown := set(given["without"]) - CHECKS.keys():
            raise CommandError(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}.")
        ledgers = _ledgers(given["ledger"]) if given["ledger"] else []
        found = confirmed_violations(confirm_after_s=given["confirm_after"], ledgers=ledgers, without=given["without"])
        if given["json"]:
            rows = [{"invariant": one.code, "words": one.words} for one in found]
            self.stdout.write(json.dumps({"checked": list(CHECKS), "violations": rows}))
        elif found:
            self.stderr.write(f"{found[0]} ({len(found)} violations in all)")
        else:
            self.stdout.write(f"{len(CHECKS)} invariants hold.")
        if found:
            sys.exit(2)


def _ledgers(url: str) -> list[dict[str, Any]]:
    place = urlsplit(url)
    if not place.hostname or not place.port:
        raise CommandError(f"--ledger {url} is no address such as http://127.0.0.1:8909.")

    async def read() -> list[dict[str, Any]]:
        control = SimulatorControl(host=place.hostname or "", port=place.port or 0)
        try:
            accounts: list[dict[str, Any]] = (await control.ledgers())["accounts"]
            return accounts
        finally:
            await control.aclose()

    try:
        return async_to_sync(read)()
    except VenueError as error:
        raise CommandError(f"The simulator does not answer: {error.message}") from error
