"""The listing texts of the Kalshi face: series, events, markets, milestones, structured targets, live data.

The exchange knows terms and money, this knows words and links; both are keyed by the market ticker. The world fills it
before it lists a market, and keeps live data and fee changes up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

import msgspec

from venues.simulator.exchange_types import FeeSpec
from venues.types import MICRO

TAKER_RATE_U = 70_000
MAKER_RATES_U = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"


def fee_spec(fee_type: FeeType, multiplier_u: int = MICRO) -> FeeSpec:
    """The exchange's fee terms of a series (FACTS §9.1)."""
    return FeeSpec(TAKER_RATE_U * multiplier_u // MICRO, MAKER_RATES_U[fee_type] * multiplier_u // MICRO)


def derived_uuid(kind: str, name: str) -> str:
    """A stable id for something that has only a name here."""
    return str(uuid5(NAMESPACE_URL, f"courtside:kalshi:{kind}:{name}"))


class SeriesCard(msgspec.Struct, frozen=True, kw_only=True):
    ticker: str
    title: str
    tags: tuple[str, ...]
    category: str = "Sports"
    fee_type: FeeType = FeeType.QUADRATIC_WITH_MAKER_FEES
    fee_multiplier_u: int = MICRO
    scope: str = "Game"
    shard: int = 0
    updated_ms: int = 0


class EventCard(msgspec.Struct, frozen=True, kw_only=True):
    """`title`: "Houston vs San Diego"; `sub_title`: "HOU vs SD (Aug 9)"; `competition`: "Pro Baseball"."""

    ticker: str
    series_ticker: str
    title: str
    sub_title: str
    competition: str
    scope: str = "Game"
    shard: int = 0
    updated_ms: int = 0
    fee_type_override: FeeType | None = None
    fee_multiplier_override_u: int | None = None


class MarketCard(msgspec.Struct, frozen=True, kw_only=True):
    """`strike_key` names the participant's kind (`basketball_team`), `strike_id` its structured target."""

    ticker: str
    event_ticker: str
    title: str
    yes_sub_title: str
    rules_primary: str
    rules_secondary: str = ""
    price_level_structure: str = "linear_cent"
    strike_key: str = ""
    strike_id: str = ""
    created_ms: int = 0
    occurrence_ms: int | None = None
    expected_expiration_ms: int | None = None
    latest_expiration_ms: int = 0

    @property
    def market_id(self) -> str:
        return derived_uuid("market", self.ticker)


class MilestoneCard(msgspec.Struct, frozen=True, kw_only=True):
    """The real-world game; `start_ms` is the one place where Kalshi says when it starts."""

    milestone_id: str
    type: str
    title: str
    start_ms: int
    end_ms: int | None = None
    related_event_tickers: tuple[str, ...] = ()
    primary_event_tickers: tuple[str, ...] = ()
    source_ids: Mapping[str, str] = {}
    details: Mapping[str, object] = {}
    updated_ms: int = 0


class TargetCard(msgspec.Struct, frozen=True, kw_only=True):
    """A participant, such as a team."""

    target_id: str
    name: str
    type: str
    competition: str = ""
    details: Mapping[str, object] = {}
    source_ids: Mapping[str, str] = {}
    updated_ms: int = 0


class LiveData(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    details: Mapping[str, object]


class FeeChange(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled change; of an event when `event_ticker` is set, where None fields clear the override."""

    change_id: str
    series_ticker: str
    event_ticker: str = ""
    fee_type: FeeType | None = None
    fee_multiplier_u: int | None = None
    scheduled_ms: int = 0


class KalshiCatalog:
    """Insertion order is listing order."""

    def __init__(self) -> None:
        self.series: dict[str, SeriesCard] = {}
        self.events: dict[str, EventCard] = {}
        self.markets: dict[str, MarketCard] = {}
        self.milestones: dict[str, MilestoneCard] = {}
        self.targets: dict[str, TargetCard] = {}
        self.live: dict[str, LiveData] = {}
        self.fee_changes: list[FeeChange] = []
        self._markets_of: dict[str, list[str]] = {}

    def add_series(self, card: SeriesCard) -> None:
        self.series[card.ticker] = card

    def add_event(self, card: EventCard) -> None:
        """Add or replace."""
        self.events[card.ticker] = card

    def add_market(self, card: MarketCard) -> None:
        """Add or replace; before `Exchange.add_market`, whose event announces it."""
        if card.ticker not in self.markets:
            self._markets_of.setdefault(card.event_ticker, []).append(card.ticker)
        self.markets[card.ticker] = card

    def add_milestone(self, card: MilestoneCard) -> None:
        self.milestones[card.milestone_id] = card

    def add_target(self, card: TargetCard) -> None:
        self.targets[card.target_id] = card

    def set_live(self, milestone_id: str, live: LiveData) -> None:
        self.live[milestone_id] = live

    def add_fee_change(self, change: FeeChange) -> None:
        self.fee_changes.append(change)

    def market_tickers_of(self, event_ticker: str) -> list[str]:
        return self._markets_of.get(event_ticker, [])
