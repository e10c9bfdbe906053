"""The whole program in a folder of its own, and a browser that is signed in to it.

Started as a newcomer starts it: `manage.py run` on free ports, nothing configured. Stopped by SIGTERM, by its own pid.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
PICTURES = ROOT / "test-results"
"""Where pictures of a test run are kept; git ignores it."""
START_S = 60.0
STOP_S = 10.0
SIMULATOR_PORTS = 10
DESKTOP, PHONE = (1440, 900), (390, 844)
_GREETING = re.compile(r"URL: (?P<url>\S+)/\n.*?Demo login: (?P<email>\S+)  Password: (?P<password>\S+)", re.DOTALL)


class Running:
    """One run; `start` may be called again after `stop`, on the same port and folder."""

    def __init__(self, folder: Path, *, speed: float) -> None:
        self._folder = folder
        self._speed = speed
        self._port = free_port()
        self._simulator_port = free_ports(SIMULATOR_PORTS)
        self._log = folder / "run.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self.email = self.password = ""

    def start(self) -> None:
        """Raises AssertionError with the log when it does not greet in time."""
        command = [sys.executable, "manage.py", "run", "--port", str(self._port), "--speed", str(self._speed)]
        places = {"COURTSIDE_DATA_DIR": str(self._folder / "var"), "SIMULATOR_PORT": str(self._simulator_port)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **places}, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not (greeting := _GREETING.search(self._log.read_text("utf-8", "replace"))) or not self._listens():
            assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text("utf-8", "replace")
            time.sleep(0.1)
        self.url, self.email, self.password = greeting["url"], greeting["email"], greeting["password"]

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = free_port()
        if first + count < 65_536 and all(_is_free(first + offset) for offset in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def signed_in(browser: Browser, running: Running, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
    """A page of a new context on the dashboard."""
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.goto(f"{running.url}/login/")
    page.get_by_label("E-mail").fill(running.email)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{running.url}/")
    return page


def open_traded_game(page: Page, running: Running, *, patience_s: float = 90.0) -> None:
    """Wait for the first fill, then open its game."""
    page.goto(f"{running.url}/fills/")
    link = page.locator("#fills .contract > a").first
    link.wait_for(timeout=patience_s * 1_000)
    page.goto(f"{running.url}{link.get_attribute('href')}")
    page.locator("#connection[data-state=live]").wait_for(timeout=15_000)


def open_held_game(page: Page, running: Running, *, patience_s: float = 120.0) -> None:
    """Wait until something is held, then open its game: it will be sold again."""
    page.goto(f"{running.url}/positions/")
    link = page.locator("#held .contract > a").first
    link.wait_for(timeout=patience_s * 1_000)
    link.click()
    page.locator("#connection[data-state=live]").wait_for(timeout=15_000)
