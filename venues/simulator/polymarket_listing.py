"""What the simulated Polymarket lists: events and markets with their texts, and how far a game is.

The catalogue answers every lookup of the faces (by condition, by token, by slug, by id). The exchange knows only
`MarketSpec`s; texts, tokens and Gamma ids live here. Invariant: a token id belongs to exactly one market and index.
Source: polymarket/FACTS §2.5, §4.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from venues.simulator.exchange_types import FeeSpec, MarketSpec
from venues.simulator.polymarket_ids import MarketIds
from venues.types import MICRO, Outcome, PriceBand

MIN_TAKER_USD_U = 1_000_000
LOT_U = 1


class Sport(msgspec.Struct, frozen=True, kw_only=True):
    """One row of Gamma's `/sports`, with what the venue does alike for all games of the league."""

    id: int
    code: str
    name: str
    kind: str
    resolution: str
    tag_id: int
    kind_tag_id: int
    series_id: int
    series_slug: str
    ordering: str = "away"
    uses_utc_date: bool = False
    is_three_way: bool = False
    seconds_delay: int = 1
    fee_rate_u: int = 50_000
    fee_type: str = "sports_fees_v3"


class TeamListing(msgspec.Struct, frozen=True, kw_only=True):
    """A side of a game. `ordering` is "home" or "away"; `name` is the outcome text of a moneyline."""

    id: int
    name: str
    abbreviation: str
    ordering: str
    full_name: str = ""
    color: str = "#1d428a"


class MarketListing(msgspec.Struct, frozen=True, kw_only=True):
    """One condition; index 0 of `outcomes` and of all id pairs is YES. `version` chooses exchange and asset ids."""

    id: str
    ids: MarketIds
    slug: str
    question: str
    outcomes: tuple[str, str]
    description: str
    sports_market_type: str = "moneyline"
    group_item_title: str = ""
    line: float | None = None
    tick_u: int = 10_000
    min_size_u: int = 5_000_000
    fee_rate_u: int = 50_000
    fee_type: str = "sports_fees_v3"
    seconds_delay: int = 1
    clears_book_at_start: bool = True
    version: str = "v1"

    @property
    def condition_id(self) -> str:
        return self.ids.condition_id

    @property
    def is_neg_risk(self) -> bool:
        return bool(self.ids.neg_risk_market_id)

    @property
    def asset_ids(self) -> tuple[str, str]:
        """What orders and books name: CTF token ids, or position ids once the market moved to Protocol V2."""
        return self.ids.position_ids if self.version == "v2" else self.ids.token_ids

    def asset_id(self, outcome: Outcome) -> str:
        return self.asset_ids[0 if outcome is Outcome.YES else 1]

    def label(self, outcome: Outcome) -> str:
        return self.outcomes[0 if outcome is Outcome.YES else 1]


class EventListing(msgspec.Struct, frozen=True, kw_only=True):
    """A game with its markets. `event_date` follows the league's own date convention, as the slug does."""

    id: str
    slug: str
    title: str
    description: str
    sport: Sport
    game_id: int
    teams: tuple[TeamListing, ...]
    start_ms: int
    listed_ms: int
    event_date: str
    markets: tuple[MarketListing, ...]

    @property
    def is_neg_risk(self) -> bool:
        return any(market.is_neg_risk for market in self.markets)

    def team(self, ordering: str) -> TeamListing | None:
        return next((each for each in self.teams if each.ordering == ordering), None)


class GameProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a game is. `score` is written in the league's `ordering`; `start_ms` None while it is postponed."""

    start_ms: int | None
    live: bool = False
    ended: bool = False
    score: str = ""
    period: str = "NS"
    elapsed: str = ""
    status: str = "scheduled"
    finished_ms: int | None = None


class Listed(msgspec.Struct, frozen=True):
    """A market together with its event."""

    event: EventListing
    market: MarketListing


class Catalogue:
    """Everything listed, in the order of listing."""

    def __init__(self) -> None:
        self.events: dict[str, EventListing] = {}
        self.progress: dict[str, GameProgress] = {}
        self._by_condition: dict[str, Listed] = {}
        self._by_asset: dict[str, tuple[Listed, Outcome]] = {}

    def add(self, event: EventListing) -> None:
        """List an event, or replace it. Raises ValueError when a token belongs to another event already."""
        for market in event.markets:
            held = self._by_condition.get(market.condition_id)
            if held is not None and held.event.id != event.id:
                raise ValueError(f"condition {market.condition_id} is already listed by event {held.event.slug}")
        self.events[event.id] = event
        self.progress.setdefault(event.id, GameProgress(start_ms=event.start_ms))
        for market in event.markets:
            self._add_market(Listed(event, market))

    def markets(self) -> Iterator[Listed]:
        return iter(self._by_condition.values())

    def by_condition(self, condition_id: str) -> Listed | None:
        return self._by_condition.get(condition_id)

    def by_asset(self, asset_id: str) -> tuple[Listed, Outcome] | None:
        return self._by_asset.get(asset_id)

    def progress_of(self, event: EventListing) -> GameProgress:
        return self.progress[event.id]

    def _add_market(self, listed: Listed) -> None:
        self._by_condition[listed.market.condition_id] = listed
        for asset_id, outcome in zip(listed.market.asset_ids, Outcome, strict=True):
            self._by_asset[asset_id] = (listed, outcome)


def market_spec(listed: Listed, start_ms: int | None, *, settle_timer_ms: int) -> MarketSpec:
    """The exchange's terms of a listed market; a postponed game (`start_ms` None) has no start and no taker delay."""
    event, market = listed.event, listed.market
    return MarketSpec(
        native_id=market.condition_id,
        event_id=event.id,
        bands=(PriceBand(0, MICRO, market.tick_u),),
        lot_u=LOT_U,
        min_qty_u=market.min_size_u,
        min_taker_usd_u=MIN_TAKER_USD_U,
        fee=FeeSpec(taker_rate_u=market.fee_rate_u),
        taker_delay_ms=market.seconds_delay * 1000 if start_ms is not None else 0,
        open_ms=event.listed_ms,
        game_start_ms=start_ms,
        clears_book_at_start=market.clears_book_at_start,
        settle_timer_ms=settle_timer_ms,
    )
