"""Makes the picture of the README from a real run: `python -m tests.e2e.screenshot [docs/screenshot.png]`.

Starts the program in a temporary folder, waits until a game was traded for a while and takes its page as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.e2e.running import CHROMIUM, ROOT, Running, chromium, open_traded_game, signed_in

SIZE = (1440, 1060)
SPEED = 20.0
WATCH_MS = 20_000


def main(target: Path) -> int:
    if not CHROMIUM.exists():
        print(f"The picture needs Chromium at {CHROMIUM}. On Debian: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder), speed=SPEED)
        try:
            running.start()
            take(running, target)
        finally:
            running.stop()
    print(f"Written: {target}")
    return 0


def take(running: Running, target: Path) -> None:
    with chromium() as browser:
        page = signed_in(browser, running, size=SIZE)
        open_traded_game(page, running)
        page.wait_for_timeout(WATCH_MS)
        page.reload()
        page.locator("#connection[data-state=live]").wait_for()
        page.locator("#chart-state").wait_for(state="hidden")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshot.png"))
