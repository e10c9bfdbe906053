"""Every number an order is held against, on four levels: the hard caps of this file, venue, account and strategy.

A limit is the last amount that is allowed. The strictest level wins, and a breach tells which one it was. The hard caps
are changed by a reviewed commit only; an account that says nothing has `ACCOUNT_DEFAULTS`.
Units: `_usd_u` µUSD, `_qty_u` µcontracts, `_share_u` millionths of a whole, `_price_u` µUSD per contract, `_ms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

USD = 1_000_000
CENT = 10_000


class Level(StrEnum):
    HARD_CAP = "hard cap"
    VENUE = "venue"
    ACCOUNT = "account"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for one order. The values written here are the hard caps."""

    max_order_usd_u: int = 1_000 * USD
    max_order_qty_u: int = 2_000 * USD
    max_position_usd_u: int = 3_000 * USD
    max_game_usd_u: int = 6_000 * USD
    max_group_usd_u: int = 10_000 * USD
    max_exposure_usd_u: int = 50_000 * USD
    max_exposure_share_u: int = 1_000_000
    max_balance_share_u: int = 1_000_000
    cash_buffer_usd_u: int = 0
    cash_buffer_share_u: int = 0
    max_daily_loss_usd_u: int = 50_000 * USD
    max_daily_loss_share_u: int = 1_000_000
    max_drawdown_share_u: int = 250_000
    max_losses_in_a_row: int = 1_000
    max_open_orders: int = 1_000
    max_unknown_market: int = 10
    max_unknown_account: int = 10
    max_entries_10min: int = 100
    max_entries_day: int = 100
    max_messages_per_fill: int = 1_000
    max_rejects_share_u: int = 500_000
    duplicate_window_ms: int = 1_000
    max_orders_per_s: int = 50
    collar_price_u: int = 15 * CENT
    fair_band_price_u: int = 15 * CENT
    max_move_price_u: int = 25 * CENT
    max_depth_share_u: int = 500_000
    max_edge_price_u: int = 100 * CENT
    min_edge_price_u: int = -100 * CENT
    max_book_age_ms: int = 5_000
    max_book_age_pregame_ms: int = 5_000
    max_score_age_ms: int = 60_000
    max_skew_ms: int = 5_000
    close_guard_ms: int = 0
    levels: Mapping[str, Level] = field(default_factory=dict, compare=False)
    """Which level set a limit; what is not in it is the hard cap."""

    def level_of(self, name: str) -> Level:
        return self.levels.get(name, Level.HARD_CAP)


NAMES: tuple[str, ...] = tuple(one.name for one in fields(Limits) if one.name != "levels")
FLOORS = frozenset(
    {"cash_buffer_usd_u", "cash_buffer_share_u", "duplicate_window_ms", "min_edge_price_u", "close_guard_ms"}
)
"""Where more is stricter: what has to be kept free or waited for. Everywhere else less is stricter."""

HARD_CAPS = Limits()

PLAY_CAPS: Mapping[str, Any] = {
    "max_book_age_ms": 600_000,
    "max_book_age_pregame_ms": 600_000,
    "max_score_age_ms": 600_000,
    "max_skew_ms": 600_000,
    "collar_price_u": 100 * CENT,
    "fair_band_price_u": 100 * CENT,
    "max_move_price_u": 100 * CENT,
    "max_depth_share_u": 1_000_000,
}
"""At simulated venues quotes are rare, a second of ours is many of theirs, and no money is at stake."""

PLAY_DEFAULTS: Mapping[str, int] = {
    "max_book_age_ms": 90_000,
    "max_book_age_pregame_ms": 90_000,
    "max_score_age_ms": 90_000,
    "max_skew_ms": 90_000,
}

ACCOUNT_DEFAULTS: Mapping[str, int] = {
    "max_order_usd_u": 100 * USD,
    "max_order_qty_u": 200 * USD,
    "max_position_usd_u": 300 * USD,
    "max_game_usd_u": 600 * USD,
    "max_group_usd_u": 1_000 * USD,
    "max_exposure_usd_u": 1_000 * USD,
    "max_exposure_share_u": 600_000,
    "max_balance_share_u": 50_000,
    "cash_buffer_usd_u": 5 * USD,
    "cash_buffer_share_u": 20_000,
    "max_daily_loss_usd_u": 500 * USD,
    "max_daily_loss_share_u": 80_000,
    "max_drawdown_share_u": 150_000,
    "max_losses_in_a_row": 10,
    "max_open_orders": 20,
    "max_unknown_market": 1,
    "max_unknown_account": 3,
    "max_entries_10min": 10,
    "max_entries_day": 40,
    "max_messages_per_fill": 200,
    "max_rejects_share_u": 200_000,
    "duplicate_window_ms": 5_000,
    "max_orders_per_s": 5,
    "collar_price_u": 3 * CENT,
    "fair_band_price_u": 10 * CENT,
    "max_move_price_u": 15 * CENT,
    "max_depth_share_u": 250_000,
    "max_edge_price_u": 25 * CENT,
    "max_book_age_ms": 500,
    "max_book_age_pregame_ms": 2_000,
    "max_score_age_ms": 25_000,
    "max_skew_ms": 5_000,
    "close_guard_ms": 30_000,
}
"""Without `min_edge_price_u`: a strategy that lives by an edge sets it, and so may an account or a venue; where nobody
does, there is none to judge."""


def hard_caps(*, is_simulated: bool) -> Limits:
    return replace(HARD_CAPS, **PLAY_CAPS) if is_simulated else HARD_CAPS


def is_raise(name: str, *, before: int, after: int) -> bool:
    """Does the change allow more than before? `name` is one of `NAMES`."""
    return after < before if name in FLOORS else after > before


def strictest(levels: Iterable[tuple[Level, Mapping[str, int | None]]], *, caps: Limits = HARD_CAPS) -> Limits:
    """What holds when all levels are asked; None: that level says nothing. On equal values the hard cap is named."""
    values = {name: getattr(caps, name) for name in NAMES}
    told: dict[str, Level] = {}
    for level, given in levels:
        for name, value in given.items():
            if value is not None and is_raise(name, before=value, after=values[name]):
                values[name], told[name] = value, level
    return Limits(**values, levels=told)


def account_level(stored: Mapping[str, int | None], *, is_simulated: bool = False) -> dict[str, int]:
    """An account's own values, the default where it has none."""
    said = {name: value for name, value in stored.items() if value is not None}
    return {**ACCOUNT_DEFAULTS, **(PLAY_DEFAULTS if is_simulated else {}), **said}
