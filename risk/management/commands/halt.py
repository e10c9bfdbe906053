"""`manage.py halt --reason "…"`: stop all new orders now; `--resume` arms again. A scope narrows it."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.errors import DomainError
from risk.models import HaltScope, HaltState
from risk.scopes import halt_target
from risk.selectors import halts_in
from risk.services import halt_resume, halt_set


class Command(BaseCommand):
    help = "Halt trading (globally, or one venue, user, account, strategy, game or market) or resume it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scope", choices=[scope.value for scope in HaltScope], default=HaltScope.GLOBAL.value)
        parser.add_argument(
            "--key",
            default="",
            help="a venue, a strategy, an account's uid, or a user's, game's or market's name or uid",
        )
        parser.add_argument("--reason", required=True)
        parser.add_argument("--resume", action="store_true")

    def handle(self, **given: Any) -> None:
        try:
            state = self._resume(given) if given["resume"] else self._halt(given)
        except DomainError as refusal:
            self.stderr.write(refusal.message)
            sys.exit(2)
        self.stdout.write(f"{given['scope']} {given['key']} is {state}.".replace("  ", " "))

    def _halt(self, given: dict[str, Any]) -> str:
        halt = halt_set(
            scope=HaltScope(given["scope"]),
            scope_key=given["key"],
            state=HaltState.HALTED,
            code="manual",
            reason=given["reason"],
            actor=f"command:{getpass.getuser()}",
        )
        return str(halt.state)

    def _resume(self, given: dict[str, Any]) -> str:
        """An operator lifts every cause of exactly this scope; other scopes may still hold it."""
        target = halt_target(HaltScope(given["scope"]), given["key"])
        halts = halts_in([(HaltScope(given["scope"]), target.key)])
        for halt in halts:
            halt_resume(halt=halt, reason=given["reason"], actor=f"command:{getpass.getuser()}")
        return "active" if halts else "active (it was not halted)"
