"""One run and one browser for all browser tests; without Chromium they are skipped, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.running import CHROMIUM, Running, chromium

SPEED = 40.0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM} (Debian: apt-get install chromium)")
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    run = Running(tmp_path_factory.mktemp("run"), speed=SPEED)
    run.start()
    yield run
    run.stop()


@pytest.fixture
def restartable(browser: Browser, tmp_path: Path) -> Iterator[Running]:
    run = Running(tmp_path, speed=10.0)
    run.start()
    yield run
    run.stop()
