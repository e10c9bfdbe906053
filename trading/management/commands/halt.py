"""`manage.py halt --reason "…"`: stop all new orders now; `--resume` arms again. A scope narrows it.

Works without a database, too: then a KILL file, the permit, the guard's socket and Redis carry the stop, and the guard
writes the halt down as soon as the database is back.
"""

from __future__ import annotations

import getpass
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError

from accounts.selectors import user_by_email
from core.errors import DomainError
from risk.models import HaltScope, HaltState, TradingHalt
from risk.rearm import COMMAND, consenting, needs_second_person
from risk.scopes import halt_target
from risk.selectors import halts_in, halts_of_kinds
from risk.selectors_receipts import Receipt, newest_stop, receipt_of
from risk.services import halt_rearm_ask, halt_resume, halt_set
from trading.engine.announcing import stop_everything

LOOK_EVERY_S = 0.1


class Command(BaseCommand):
    help = "Halt trading (globally, or one venue, user, account, strategy, game or market) or resume it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scope", choices=[scope.value for scope in HaltScope], default=HaltScope.GLOBAL.value)
        parser.add_argument(
            "--key",
            default="",
            help="a venue, a strategy, an account's uid, or a user's, game's or market's name or uid",
        )
        parser.add_argument("--reason", default="")
        parser.add_argument("--flatten", action="store_true", help="sell what is held, too (orders that only reduce)")
        parser.add_argument("--wait", type=float, nargs="?", const=60.0, metavar="SECONDS", help="print the receipt")
        parser.add_argument("--resume", action="store_true")
        parser.add_argument("--as", dest="person", metavar="EMAIL", help="resume as this operator (asks the password)")
        parser.add_argument("--list", action="store_true", help="show what is halted")

    def handle(self, **given: Any) -> None:
        try:
            if given["list"]:
                self._list()
            elif given["resume"]:
                self._resume(given)
            else:
                self._halt(given)
        except DomainError as refusal:
            self.stderr.write(refusal.message)
            sys.exit(2)

    def _halt(self, given: dict[str, Any]) -> None:
        try:
            halt = halt_set(
                scope=HaltScope(given["scope"]),
                scope_key=given["key"],
                state=HaltState.HALTED,
                code="manual",
                reason=given["reason"],
                actor=_own_name(),
                flatten=given["flatten"],
            )
        except (OperationalError, InterfaceError) as error:
            self._halt_blindly(given, error)
            return
        self.stdout.write(_told(given, "halted"))
        if given["wait"] is not None:
            self._wait(halt, given["wait"])

    def _halt_blindly(self, given: dict[str, Any], error: Exception) -> None:
        """Without a database a narrower scope cannot be told apart: everything stops."""
        done = stop_everything(reason=given["reason"] or "no database", data_dir=Path(settings.DATA_DIR))
        self.stderr.write(f"The database does not answer ({error}).")
        if not done:
            self.stderr.write("NOTHING could be stopped from here: cancel at the venues' own pages now.")
            sys.exit(3)
        self.stdout.write(f"Everything is stopped by: {', '.join(done)}. Remove the KILL file before you resume.")

    def _wait(self, halt: TradingHalt, within_s: float) -> None:
        """Until everything is proven gone (and sold), or the time is over: then exit code 3."""
        deadline = time.monotonic() + within_s
        while not (receipt := _receipt(halt)).is_over and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        self._print(receipt)
        if not receipt.is_over:
            self.stderr.write("NOT PROVEN: look at the venues' own pages. Is a trader or a guard running?")
            sys.exit(3)

    def _print(self, receipt: Receipt) -> None:
        self.stdout.write(receipt.sentence)
        for part in receipt.parts:
            for order in part.orders:
                self.stdout.write(f"  was open: {part.venue_account} {order['client_order_id']} {order['market_id']}")
        for line in receipt.stuck:
            until = f" until {line['until']}" if line["until"] else ""
            self.stdout.write(f"  cannot be done now{until}: {line['what']} in {line['market_id']}: {line['why']}")

    def _resume(self, given: dict[str, Any]) -> None:
        """An operator lifts every cause of exactly this scope; other scopes may still hold it."""
        target = halt_target(HaltScope(given["scope"]), given["key"])
        halts = halts_in([(HaltScope(given["scope"]), target.key)])
        actor = self._person(given["person"]) if given["person"] else _own_name()
        for halt in halts:
            if needs_second_person(halt) and not consenting(halt):
                halt_rearm_ask(halt=halt, reason=given["reason"], actor=actor)
                self.stdout.write("Asked. Another person has to confirm it: manage.py halt --resume --as EMAIL")
                return
            halt_resume(halt=halt, reason=given["reason"], actor=actor)
        self.stdout.write(_told(given, "active" if halts else "active (it was not halted)"))

    def _person(self, email: str) -> str:
        """The operator who sits at the keyboard now, by their password."""
        user = user_by_email(email)
        password = getpass.getpass(f"Password of {email}: ")
        if user is None or not (user.is_active and user.is_superuser and user.check_password(password)):
            self.stderr.write("E-mail or password is wrong, or this person is no operator.")
            sys.exit(2)
        return user.email

    def _list(self) -> None:
        halts = halts_of_kinds(*HaltScope)
        for halt in halts:
            where = f"{halt.scope} {halt.scope_key}".strip()
            self.stdout.write(f"{where}: {halt.state} ({halt.code}, {halt.actor}): {halt.reason}")
        if not halts:
            self.stdout.write("Nothing is halted.")


def _receipt(halt: TradingHalt) -> Receipt:
    event = newest_stop(halt.pk)
    assert event is not None, "a halt writes its event in its own transaction"
    return receipt_of(event)


def _own_name() -> str:
    return f"{COMMAND}{getpass.getuser()}"


def _told(given: dict[str, Any], state: str) -> str:
    return f"{given['scope']} {given['key']} is {state}.".replace("  ", " ")
