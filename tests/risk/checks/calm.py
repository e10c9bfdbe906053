"""Snapshots in which nothing is wrong, and the words to make one thing wrong: `with_(CALM, "money.cash_u", 3)`."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from risk.checks.values import (
    Authority,
    BookView,
    ClaimSnapshot,
    Flow,
    GameView,
    LiveSnapshot,
    Money,
    OrderAsk,
    WireSnapshot,
)
from risk.limits import ACCOUNT_DEFAULTS, Level, strictest
from venues.types import MICRO, GameStatus, MarketKind, Venue, VenueMarket

USD = 1_000_000
CENT = 10_000
LIMITS = strictest([(Level.ACCOUNT, ACCOUNT_DEFAULTS)])
MARKET = VenueMarket(
    market_id="kalshi:M",
    venue=Venue.KALSHI,
    native_id="M",
    event_id="E",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="Atlanta at Washington",
    yes_label="Washington",
    no_label="Atlanta",
)
ASK = OrderAsk(cost_u=10 * USD, reduces=False, price_u=400_000, qty_u=20 * MICRO)
CLAIM = ClaimSnapshot(ask=ASK, limits=LIMITS, authority=Authority(), money=Money(cash_u=1_000 * USD), flow=Flow())
LIVE = LiveSnapshot(
    ask=ASK,
    limits=LIMITS,
    market=MARKET,
    now_ms=1_000_000,
    book=BookView(best_bid_u=390_000, best_ask_u=400_000, depth_u=1_000 * MICRO),
    game=GameView(status=GameStatus.IN_PROGRESS),
    decided_qty_u=20 * MICRO,
)
WIRE = WireSnapshot(approved_sha256="a", leaving_sha256="a", approved_qty_u=10, leaving_qty_u=10)

T = TypeVar("T", ClaimSnapshot, LiveSnapshot, WireSnapshot)


def with_(snapshot: T, changes: dict[str, Any]) -> T:
    """`{"money.cash_u": 3, "ask.qty_u": 5}`: one level deep; a name without a dot is the snapshot's own."""
    for path, value in changes.items():
        part, _, name = path.partition(".")
        if name == "":
            snapshot = replace(snapshot, **{part: value})
        elif part == "market":
            snapshot = replace(snapshot, market=_market(snapshot, name, value))
        else:
            snapshot = replace(snapshot, **{part: replace(getattr(snapshot, part), **{name: value})})
    return snapshot


def _market(snapshot: Any, name: str, value: Any) -> VenueMarket:
    values = {field: getattr(snapshot.market, field) for field in VenueMarket.__struct_fields__}
    return VenueMarket(**{**values, name: value})


def numbers_of(kind: type) -> list[str]:
    """The names of a snapshot part's whole numbers."""
    return [field.name for field in fields(kind) if field.type == "int"]
