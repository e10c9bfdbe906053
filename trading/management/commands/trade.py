"""`manage.py trade`: the trader as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.demo import ensure_demo_login
from trading.engine.embedded import demo_user
from trading.engine.guard_anchors import anchor_here
from trading.engine.holder import FolderHolder
from trading.engine.live import PaperTrader
from trading.engine.permit import FilePermit
from trading.engine.simulation import SimulatedTrader
from trading.services.records import TRADER
from venues.errors import VenueError


class Command(BaseCommand):
    help = "Trade for every user who has started their trader. One such process per group of accounts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="simulated mode: make the demo user, with a trader that runs"
        )

    def handle(self, **options: Any) -> None:
        if settings.TRADING_MODE == "live":
            self.stderr.write(
                "TRADING_MODE=live cannot trade yet. Set it to paper (play money on live data) or unset it (simulated)."
            )
            sys.exit(2)
        if options["demo"] and settings.TRADING_MODE == "simulated":
            login = ensure_demo_login(Path(settings.DATA_DIR))
            demo_user()
            self.stdout.write(f"Demo login: {login.email}  Password: in demo.password in the data folder")
        try:
            asyncio.run(_trade())
        except VenueError as error:
            self.stderr.write(
                f"The simulated venues do not answer on {settings.SIMULATOR_HOST}:{settings.SIMULATOR_PORT} "
                f"({error.message}) Start them first: python -m venues.simulator --port {settings.SIMULATOR_PORT}"
            )
            sys.exit(2)


def _trader(holder: str) -> SimulatedTrader | PaperTrader:
    """By mode: simulated venues, or paper accounts on live data, which may be the simulated venues' too."""
    data_dir, is_paper = Path(settings.DATA_DIR), settings.TRADING_MODE == "paper"
    latency_ms = settings.PAPER_LATENCY_MS if is_paper else None
    if latency_ms is not None and settings.PAPER_DATA == "production":
        return PaperTrader(data_dir=data_dir, holder=holder, permit=FilePermit(data_dir), latency_ms=latency_ms)
    return SimulatedTrader(
        host=settings.SIMULATOR_HOST,
        port=settings.SIMULATOR_PORT,
        data_dir=data_dir,
        holder=holder,
        permit=FilePermit(data_dir),
        paper_latency_ms=latency_ms,
    )


async def _trade() -> None:
    with FolderHolder(Path(settings.DATA_DIR)) as holder:
        await _trade_as(holder.name)


async def _trade_as(holder: str) -> None:
    trader = _trader(holder)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    try:
        await trader.start()
        await _anchor("trader started")
        await asked.wait()
    finally:
        await trader.stop()
        await _anchor("trader stopped")


async def _anchor(why: str) -> None:
    await asyncio.to_thread(anchor_here, Path(settings.DATA_DIR), why=why, actor=TRADER)
