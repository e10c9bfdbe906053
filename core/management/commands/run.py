"""`manage.py run`: simulated venues, web, worker, trader and guard in one process, no key needed."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand

from core.embedded.parts import RunOptions, RunRefused
from core.environment import Environment

env = Environment()

REPLAY_DIR = "replays"
DEFAULT_PORT = 8000
DEFAULT_SPEED = 10.0
CTRL_C = 128 + signal.SIGINT


class Command(BaseCommand):
    help = "Run everything in one process on simulated venues: the first paper trade in two minutes, no key needed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="web port; else the one in PORT, else 8000")
        parser.add_argument("--seed", type=int, default=7, help="seed of the simulated games")
        parser.add_argument("--speed", type=float, default=DEFAULT_SPEED, help="virtual seconds per real second")
        parser.add_argument("--tape", type=Path, default=None, help="replay this recorded game instead")
        parser.add_argument("--reset", action="store_true", help="start over: remove what former runs kept")
        parser.add_argument("--split", action="store_true", help="run the parts as separate processes (needs Redis)")
        parser.add_argument("--exit-at-end", action="store_true", help="with --tape: stop when the game has settled")

    def handle(self, **given: Any) -> None:
        try:
            self._run(given)
        except (RunRefused, ImproperlyConfigured) as refusal:
            self.stderr.write(str(refusal))
            sys.exit(2)
        except KeyboardInterrupt:  # before the loop takes the signal: migrations, static files
            sys.exit(CTRL_C)

    def _run(self, given: dict[str, Any]) -> None:
        _require_possible(given)
        port = env.int("PORT", default=DEFAULT_PORT) if given["port"] is None else given["port"]
        if given["tape"] is not None:
            self._move_to_replay_dir(given["tape"])
        options = RunOptions(
            data_dir=Path(settings.DATA_DIR),
            port=port,
            seed=given["seed"],
            speed=given["speed"],
            tape=given["tape"],
            exit_at_end=given["exit_at_end"],
        )
        if given["split"]:
            from core.embedded.split import run_split

            run_split(options, reset=given["reset"])
            return
        from core.embedded.run import run_embedded

        run_embedded(options, reset=given["reset"] or options.is_replay)

    def _move_to_replay_dir(self, tape: Path) -> None:
        """A replay is deterministic and starts at the beginning: it gets a folder, and so a database, of its own."""
        if not tape.is_file():
            raise RunRefused(f"There is no tape at {tape}. Give the path of a recorded game: make run TAPE=<file>")
        if os.environ.get("DATABASE_URL"):
            raise RunRefused("A replay keeps a database of its own; unset DATABASE_URL to run one.")
        home = Path(settings.DATA_DIR)
        if home.parent.name != REPLAY_DIR:
            os.environ["COURTSIDE_DATA_DIR"] = str(home / REPLAY_DIR / tape.name.split(".")[0])
            os.execv(sys.executable, [sys.executable, *sys.argv])


def _require_possible(given: dict[str, Any]) -> None:
    """Raises RunRefused where what was asked for does not go together, before anything is looked at."""
    if settings.TRADING_MODE != "simulated":
        raise RunRefused(
            f"This command runs on simulated venues only, but TRADING_MODE is {settings.TRADING_MODE}. Unset it, or "
            "start the parts one by one as docs/operations.md says: manage.py trade is the trader."
        )
    if given["speed"] <= 0:
        raise RunRefused(f"--speed must be above 0, not {given['speed']}.")
    if given["exit_at_end"] and given["tape"] is None:
        raise RunRefused("--exit-at-end ends a replay: give it the recorded game with --tape.")
    if given["split"] and given["tape"] is not None:
        raise RunRefused("--split cannot replay a recorded game: leave out --split, or --tape.")
