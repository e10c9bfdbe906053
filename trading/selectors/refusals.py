"""A refusal by a check as a sentence: what it says, the number it saw, the limit and who set that (ORDERS §4).

Pure. A code without numbers worth reading is told by its sentence alone; every code of a check has its unit here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core import figures
from core.errors import CODES

Json = Mapping[str, Any]
Writer = Callable[[int], str]


def _span(ms: int) -> str:
    return f"{ms:,} ms" if ms < 10_000 else figures.span_text(ms // 1_000)


_MONEY = dict.fromkeys(
    ("max_order_usd", "max_position_usd", "max_game_usd", "max_group_usd", "max_exposure_usd", "max_exposure_share",
     "max_balance_share", "max_venue_usd", "max_system_usd", "insufficient_cash", "cost_understated", "daily_loss",
     "strategy_loss", "system_loss"),
    figures.money_text,
)  # fmt: skip
_PRICE = dict.fromkeys(
    ("price_off_band", "price_off_grid", "outside_collar", "outside_fair_band", "price_jumped", "edge_too_good",
     "edge_missing"),
    figures.tenths_text,
)  # fmt: skip
_QUANTITY = dict.fromkeys(
    ("max_order_qty", "size_off_grid", "depth_share", "sent_too_much", "nothing_to_reduce"), figures.quantity_text
)
_COUNT = dict.fromkeys(
    ("max_open_orders", "unknown_orders", "unknown_system", "repeated_entries", "messages_per_fill", "loss_streak",
     "settlement_failing"),
    str,
)  # fmt: skip
_SPAN = dict.fromkeys(("book_stale", "score_stale", "clock_skew", "market_closing", "game_in_doubt"), _span)
_RATIO = dict.fromkeys(("drawdown", "reject_share"), figures.percent_text)
NUMBERED: dict[str, Writer] = {**_MONEY, **_PRICE, **_QUANTITY, **_COUNT, **_SPAN, **_RATIO}
"""How the numbers of a breach are written, by its code."""

WORDS_ALONE = frozenset(
    {"message_budget", "duplicate_order", "self_trade", "body_differs", "account_disabled", "trader_stopped",
     "mfa_required", "credential_missing", "halted", "reduce_only", "build_not_allowed", "market_not_open",
     "book_unusable", "private_stream_down"}
)  # fmt: skip
"""Codes whose sentence says it all, or whose value is a word that is added."""


def refusal_text(code: str, *, message: str = "", seen: Json | None = None) -> str:
    """`seen`: what the refusal kept (`value`, `limit`, `pt`, `level`); `message`: a halt's own words. 'PT-19: the book
    was not heard of for too long (700 ms, limit 500 ms of the account).'"""
    facts = seen or {}
    usual = CODES.get(code) or f"{code.replace('_', ' ').capitalize()}."
    said = (message or usual).rstrip(".")
    check = f"{facts['pt']}: " if facts.get("pt") else ""
    if check and message in ("", usual):  # a halt's own words stay as a person wrote them
        said = said[:1].lower() + said[1:]
    numbers = _numbers(code, facts)
    return f"{check}{said} ({numbers})." if numbers else f"{check}{said}."


def _numbers(code: str, facts: Json) -> str:
    value, limit = facts.get("value"), facts.get("limit")
    writer = NUMBERED.get(code)
    if isinstance(value, str):
        return value.replace("_", " ") if value not in ("", "none") else ""
    if writer is None or value is None or not isinstance(limit, int):
        return ""
    level = str(facts.get("level") or "")
    whose = f" of the {level}" if level in ("venue", "account", "strategy") else ""
    return f"{writer(value)}, limit {writer(limit)}{whose}"
