"""`check_invariants --ledger`: our books held against a running simulator's own, over its control port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command

from tests.builders import USD, an_account
from trading.models import AccountLedger
from venues.simulator.config import SimulatorConfig
from venues.simulator.simulator import Simulator
from venues.types import Venue

pytestmark = pytest.mark.django_db


@contextmanager
def simulator(*, balance_usd: str) -> Iterator[str]:
    """A simulator with one client at Kalshi, on a thread of its own; the address of its control port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    simulator = Simulator(SimulatorConfig(games=1, is_paused=True))
    try:
        asyncio.run_coroutine_threadsafe(_start(simulator, balance_usd), loop).result(timeout=20)
        yield f"http://127.0.0.1:{simulator.ports.control}"
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(simulator: Simulator, balance_usd: str) -> None:
    await simulator.start()
    exchange = simulator.assembly.builder.exchanges[Venue.KALSHI]
    exchange.open_account("client", int(balance_usd) * USD, now_ms=simulator.assembly.now_ms())


def test_books_that_are_the_venues_own_pass_and_a_dollar_of_difference_is_named(capsys):
    account = an_account()
    with simulator(balance_usd="10000") as url:
        call_command("check_invariants", "--ledger", url)
        assert "invariants hold" in capsys.readouterr().out
        AccountLedger.objects.filter(venue_account=account).update(cash_u=9_999 * USD)
        with pytest.raises(SystemExit):
            call_command("check_invariants", "--ledger", url, "--confirm-after", "0", "--without", "INV-25", "INV-29")
        assert capsys.readouterr().err.startswith("INV-21: cash kalshi is 9999000000 here and 10000000000")


@pytest.mark.parametrize(("url", "words"), [("127.0.0.1:1", "no address"), ("http://127.0.0.1:1", "does not answer")])
def test_a_control_port_that_is_none_is_told(url, words):
    with pytest.raises(CommandError, match=words):
        call_command("check_invariants", "--ledger", url)
