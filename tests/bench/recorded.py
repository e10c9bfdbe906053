"""The recorded Kalshi stream made long: its changes forward, then each undone in reverse order, and again.

It was recorded in the venue's older form; asks are turned to YES prices here, and `seq` is counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.bench.tapes import START_US, Frame

GAP_US = 1_600
"""As many messages a market as in the generated storm; they were recorded hours before the games, at five a second."""


class RecordedTape:
    """Snapshots as the opening, then `frames`."""

    def __init__(self, path: Path) -> None:
        recording = json.loads(path.read_text("utf-8"))
        self.tickers: tuple[str, ...] = tuple(recording["tickers"])
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._deltas: list[dict[str, Any]] = []
        self._seq = 0
        self.now_us = START_US
        for item in recording["frames"]:
            self._sort(item["frame"])

    def _sort(self, frame: dict[str, Any]) -> None:
        """Keep the first snapshot of each market and the changes that follow it."""
        message = frame["msg"]
        if frame["type"] == "orderbook_snapshot" and message["market_ticker"] not in self._snapshots:
            message["no_dollars_fp"] = [[_flip(price), qty] for price, qty in message.get("no_dollars_fp", [])]
            self._snapshots[message["market_ticker"]] = frame
        elif frame["type"] == "orderbook_delta" and message["market_ticker"] in self._snapshots:
            if message["side"] == "no":
                message["price_dollars"] = _flip(message["price_dollars"])
            self._deltas.append(frame)

    def opening(self) -> Iterator[Frame]:
        for frame in self._snapshots.values():
            yield self._next(frame)

    def frames(self, loops: int) -> Iterator[Frame]:
        back = [_undone(frame) for frame in reversed(self._deltas)]
        for _ in range(loops):
            for frame in (*self._deltas, *back):
                yield self._next(frame)

    def _next(self, frame: dict[str, Any]) -> Frame:
        self._seq += 1
        self.now_us += GAP_US
        return Frame(self.now_us, json.dumps({**frame, "seq": self._seq}, separators=(",", ":")).encode())


def _flip(price: str) -> str:
    return str(1 - Decimal(price))


def _undone(frame: dict[str, Any]) -> dict[str, Any]:
    delta: str = frame["msg"]["delta_fp"]
    opposite = delta[1:] if delta.startswith("-") else "-" + delta
    return {**frame, "msg": {**frame["msg"], "delta_fp": opposite}}
