"""Frames as the venue sends them, for the stream tests. The venue's side of a conversation in a few words."""

from __future__ import annotations

import json
from typing import Any


def frame(**fields: Any) -> str:
    return json.dumps(fields, separators=(",", ":")) + "\n"


def subscribed(number: int, channel: str, sid: int) -> str:
    return frame(type="subscribed", id=number, msg={"channel": channel, "sid": sid})


def snapshot(ticker: str, sid: int, seq: int, **sides: list[tuple[str, str]]) -> str:
    levels = {f"{side}_dollars_fp": rows for side, rows in sides.items()}
    msg = {"market_ticker": ticker, "market_id": "m", **levels}
    return frame(type="orderbook_snapshot", sid=sid, seq=seq, msg=msg)


def delta(ticker: str, sid: int, seq: int, *, price: str = "0.5000", change: str = "1.00", side: str = "yes") -> str:
    msg = {"market_ticker": ticker, "market_id": "m", "price_dollars": price, "delta_fp": change, "side": side}
    return frame(type="orderbook_delta", sid=sid, seq=seq, msg={**msg, "ts": "2026-06-11T06:29:47Z", "ts_ms": 1000})


def ok(number: int, sid: int, seq: int) -> str:
    return frame(type="ok", id=number, sid=sid, seq=seq, msg={"market_tickers": []})


def error(code: int, *, number: int = 0, **fields: Any) -> str:
    msg = {"code": code, "msg": "said the venue", **fields.pop("msg", {})}
    return frame(type="error", id=number, msg=msg, **fields)


def lifecycle(ticker: str, event_type: str, *, sid: int = 3, seq: int = 1, **fields: Any) -> str:
    return frame(
        type="market_lifecycle_v2", sid=sid, seq=seq, msg={"event_type": event_type, "market_ticker": ticker, **fields}
    )


def commands(texts: list[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts]
