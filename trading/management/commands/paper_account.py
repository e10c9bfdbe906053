"""`manage.py paper_account`: a user's paper account at a venue, with play money and the key for its public data."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.selectors import user_by_email
from core.errors import DomainError, Invalid
from core.figures import money_text
from trading.engine.paper import paper_account_ensure
from trading.selectors.ledgers import opening_cash_u
from venues.errors import VenueError
from venues.readers import check_public_data_key
from venues.types import MICRO, Venue


class Command(BaseCommand):
    help = "Open a paper account; paper orders need no key, but Kalshi wants one for its public data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("venue", choices=[venue.value for venue in Venue])
        parser.add_argument("--usd", type=int, default=settings.PAPER_OPENING_USD, help="play money of a new account")
        parser.add_argument("--key-id", default="", help="key for public data")
        parser.add_argument("--private-key-file", type=Path, help="its private key as PEM; stored encrypted")

    def handle(self, **options: Any) -> None:
        try:
            self._open(options)
        except (DomainError, VenueError) as refusal:
            self.stderr.write(refusal.message)
            sys.exit(2)

    def _open(self, options: dict[str, Any]) -> None:
        user, venue = user_by_email(options["email"]), Venue(options["venue"])
        if user is None:
            raise Invalid("invalid", f"No user has the e-mail {options['email']}.")
        if options["usd"] <= 0:
            raise Invalid("invalid", "Give a positive number of dollars with --usd.")
        secrets = _secrets(options)
        if secrets is not None:
            check_public_data_key(venue, secrets)
        row = paper_account_ensure(user=user, venue=venue, opening_u=options["usd"] * MICRO, secrets=secrets)
        self.stdout.write(f"{row.label} of {user}: opened with {money_text(opening_cash_u(row))}.")


def _secrets(options: dict[str, Any]) -> dict[str, str] | None:
    if bool(options["key_id"]) is not bool(options["private_key_file"]):
        raise Invalid("invalid", "Give --key-id and --private-key-file together.")
    if not options["key_id"]:
        return None
    try:
        pem = options["private_key_file"].read_text()
    except OSError as error:
        raise Invalid("invalid", f"The private key cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Invalid("invalid", "The private key cannot be read: the file is no PEM, it is no text at all.") from error
    return {"key_id": options["key_id"], "private_key": pem}
