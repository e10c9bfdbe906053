"""The settings a session decides by: per league, overridden per market, and the account's caps.

Effective value of a strategy setting: the market's override, else the league's, else the default written here.
Units: `*_u` millionths (prices and money in µUSD, ratios as millionths of 1), `*_s` seconds, `*_ms` milliseconds.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from venues.ports import Capabilities
from venues.types import MICRO, Venue


class DipSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The in-play dip strategy for one league. `allowed_segments` None: all of the sport's but the last.

    An order that is not filled after `confirm_within_s` is canceled; an entry of which less than `keep_partial_u` was
    filled by its end is left again.
    """

    is_enabled: bool = False
    auto_trade: bool = True
    entry_threshold_u: int = 150_000
    absolute_entry_price_u: int = 500_000
    min_pregame_u: int = 0
    allow_late_baseline: bool = False
    allowed_segments: tuple[str, ...] | None = None
    min_time_remaining_s: int = 300
    take_profit_u: int = 200_000
    stop_loss_u: int = 100_000
    exit_before_segment: bool = True
    exit_lead_s: int = 60
    max_positions_per_game: int = 1
    default_position_usd_u: int = 50 * MICRO
    use_kelly_sizing: bool = False
    kelly_fraction_u: int = 250_000
    min_confidence_u: int = 600_000
    max_spread_u: int = 50_000
    min_depth_usd_u: int = 10 * MICRO
    slippage_cap_u: int = 20_000
    confirm_within_s: int = 60
    keep_partial_u: int = 800_000
    streak_step_u: int = 100_000
    streak_floor_u: int = 100_000


class DipOverride(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one market does differently; UNSET follows the league. `is_observe_only`: watch it, never enter."""

    is_observe_only: bool = False
    is_enabled: bool | UnsetType = UNSET
    auto_trade: bool | UnsetType = UNSET
    entry_threshold_u: int | UnsetType = UNSET
    absolute_entry_price_u: int | UnsetType = UNSET
    min_pregame_u: int | UnsetType = UNSET
    allow_late_baseline: bool | UnsetType = UNSET
    allowed_segments: tuple[str, ...] | UnsetType | None = UNSET
    min_time_remaining_s: int | UnsetType = UNSET
    take_profit_u: int | UnsetType = UNSET
    stop_loss_u: int | UnsetType = UNSET
    exit_before_segment: bool | UnsetType = UNSET
    exit_lead_s: int | UnsetType = UNSET
    max_positions_per_game: int | UnsetType = UNSET
    default_position_usd_u: int | UnsetType = UNSET
    use_kelly_sizing: bool | UnsetType = UNSET
    kelly_fraction_u: int | UnsetType = UNSET
    min_confidence_u: int | UnsetType = UNSET
    max_spread_u: int | UnsetType = UNSET
    min_depth_usd_u: int | UnsetType = UNSET
    slippage_cap_u: int | UnsetType = UNSET
    confirm_within_s: int | UnsetType = UNSET
    keep_partial_u: int | UnsetType = UNSET
    streak_step_u: int | UnsetType = UNSET
    streak_floor_u: int | UnsetType = UNSET


class AccountCaps(msgspec.Struct, frozen=True, kw_only=True):
    """The account's own limits on what the strategy may stake. Money in µUSD, ratios in millionths."""

    max_position_usd_u: int = 100 * MICRO
    max_game_usd_u: int = 200 * MICRO
    max_league_usd_u: int = 500 * MICRO
    max_total_usd_u: int = 1_000 * MICRO
    max_balance_share_u: int = 50_000
    max_depth_share_u: int = 1_000_000
    max_order_qty_u: int = 1_000_000 * MICRO
    kelly_prior_trades: int = 75
    kelly_model_trades: int = 25


class ConfidenceWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Relative weights of the factors; 0 leaves a factor out."""

    edge: int = 25
    drop: int = 20
    time_left: int = 10
    spread: int = 10
    depth: int = 10
    stability: int = 10
    feed: int = 10
    recoverable: int = 5


class TrustLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a game clock or a book is too old, or too odd, to enter or to stay on."""

    game_fresh_s: int = 60
    game_frozen_s: int = 240
    anomaly_freeze_s: int = 120
    book_entry_age_s: int = 90
    stale_exit_s: int = 300
    stability_window_s: int = 20


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """How often, in message time, things are looked at, told and tried again. The heartbeat is that of one outcome:
    two make one record a market every half minute."""

    evaluate_every_ms: int = 250
    recheck_every_ms: int = 5_000
    decision_min_gap_ms: int = 1_000
    decision_heartbeat_s: int = 60
    entry_bucket_s: int = 60
    exit_retry_s: int = 2
    reentry_after_s: int = 300
    cancel_resting_after_s: int = 5
    resting_expiry_s: int = 80
    fills_missing_alert_s: int = 60


class TradingAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One venue account this session may trade with; the first one of a venue is the one used for entries."""

    venue: Venue
    account: str
    capabilities: Capabilities


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a session may know before the first message."""

    accounts: tuple[TradingAccount, ...] = ()
    leagues: dict[str, DipSettings] = {}
    markets: dict[str, DipOverride] = {}
    caps: AccountCaps = AccountCaps()
    weights: ConfidenceWeights = ConfidenceWeights()
    trust: TrustLimits = TrustLimits()
    pacing: Pacing = Pacing()

    def effective(self, league: str, market_id: str) -> DipSettings:
        """Override over league over default. A league without settings is off."""
        settings = self.leagues.get(league, DipSettings())
        override = self.markets.get(market_id)
        if override is None:
            return settings
        changes = {
            name: value for name in DipSettings.__struct_fields__ if (value := getattr(override, name)) is not UNSET
        }
        return msgspec.structs.replace(settings, **changes)

    def is_observe_only(self, market_id: str) -> bool:
        override = self.markets.get(market_id)
        return override is not None and override.is_observe_only
