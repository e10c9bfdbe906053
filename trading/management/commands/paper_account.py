"""`manage.py paper_account`: a user's paper account at a venue, with play money and the key for its public data."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.selectors import user_by_email
from core.figures import money_text
from trading.engine.paper import paper_account_ensure
from trading.selectors.ledgers import opening_cash_u
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
        user = user_by_email(options["email"])
        if user is None:
            raise CommandError(f"No user has the e-mail {options['email']}.")
        if options["usd"] <= 0:
            raise CommandError("Give a positive number of dollars with --usd.")
        row = paper_account_ensure(
            user=user, venue=Venue(options["venue"]), opening_u=options["usd"] * MICRO, secrets=_secrets(options)
        )
        self.stdout.write(f"{row.label} of {user}: opened with {money_text(opening_cash_u(row))}.")


def _secrets(options: dict[str, Any]) -> dict[str, str] | None:
    if bool(options["key_id"]) is not bool(options["private_key_file"]):
        raise CommandError("Give --key-id and --private-key-file together.")
    if not options["key_id"]:
        return None
    try:
        pem = options["private_key_file"].read_text()
    except OSError as error:
        raise CommandError(f"The private key cannot be read: {error.strerror}.") from error
    return {"key_id": options["key_id"], "private_key": pem}
