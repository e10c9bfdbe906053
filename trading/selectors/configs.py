"""From what users set (Decimals in rows) to what the session decides by (integers in structs)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accounts.models import User, VenueAccount
from core.money import from_decimal
from risk.selectors import limits_by_strategy
from trading.domain.config import AccountCaps, DipOverride, DipSettings, SessionConfig, TradingAccount
from trading.models import MarketConfig, SportConfig
from trading.selectors.venue_rules import capabilities_of
from venues.types import Venue

_SAME_IN_BOTH = {
    "is_enabled": "is_enabled",
    "auto_trade": "auto_trade",
    "entry_threshold_pct": "entry_threshold_u",
    "absolute_entry_price_usd": "absolute_entry_price_u",
    "min_pregame_probability": "min_pregame_u",
    "min_time_remaining_s": "min_time_remaining_s",
    "take_profit_pct": "take_profit_u",
    "stop_loss_pct": "stop_loss_u",
    "default_position_size_usd": "default_position_usd_u",
    "kelly_fraction": "kelly_fraction_u",
    "min_entry_confidence_score": "min_confidence_u",
}
_ONLY_OF_LEAGUES = {
    "allow_late_baseline": "allow_late_baseline",
    "exit_before_segment": "exit_before_segment",
    "max_positions_per_game": "max_positions_per_game",
    "use_kelly_sizing": "use_kelly_sizing",
    "max_spread_usd": "max_spread_u",
    "min_depth_usd": "min_depth_usd_u",
    "slippage_cap_usd": "slippage_cap_u",
    "confirm_within_s": "confirm_within_s",
    "keep_partial_pct": "keep_partial_u",
    "loss_streak_step_pct": "streak_step_u",
    "loss_streak_floor_pct": "streak_floor_u",
}


def session_config(user: User, accounts: list[VenueAccount]) -> SessionConfig:
    """Everything a session of this user may know before the first message."""
    return SessionConfig(
        accounts=tuple(trading_account(account) for account in accounts),
        leagues={row.league: dip_settings(row) for row in SportConfig.objects.filter(user=user)},
        markets={
            row.market.market_id: dip_override(row)
            for row in MarketConfig.objects.filter(user=user).select_related("market")
        },
        caps=account_caps(accounts),
    )


def trading_account(account: VenueAccount) -> TradingAccount:
    return TradingAccount(
        venue=Venue(account.venue), account=account.account_key, capabilities=capabilities_of(account.venue)
    )


def dip_settings(row: SportConfig) -> DipSettings:
    """A league's settings. An empty list of segments means: all of the sport's but the last."""
    segments = tuple(row.allowed_entry_segments) or None
    return DipSettings(allowed_segments=segments, **_values(row, {**_SAME_IN_BOTH, **_ONLY_OF_LEAGUES}))


def dip_override(row: MarketConfig) -> DipOverride:
    """What one market does differently; a null follows the league."""
    return DipOverride(is_observe_only=row.is_observe_only, **_values(row, _SAME_IN_BOTH))


def account_caps(accounts: list[VenueAccount]) -> AccountCaps:
    """The strictest of the accounts' limits, so that the session seldom asks for what a claim would refuse."""
    held = list(limits_by_strategy(accounts).values())
    if not held:
        return AccountCaps()
    return AccountCaps(
        max_position_usd_u=min(min(one.max_order_usd_u, one.max_position_usd_u) for one in held),
        max_game_usd_u=min(AccountCaps().max_game_usd_u, *(one.max_game_usd_u for one in held)),
        max_league_usd_u=min(AccountCaps().max_league_usd_u, *(one.max_group_usd_u for one in held)),
        max_total_usd_u=min(one.max_exposure_usd_u for one in held),
        max_balance_share_u=min(one.max_balance_share_u for one in held),
        max_depth_share_u=min(one.max_depth_share_u for one in held),
        max_order_qty_u=min(one.max_order_qty_u for one in held),
    )


def _values(row: Any, names: dict[str, str]) -> dict[str, Any]:
    found = {target: getattr(row, source) for source, target in names.items()}
    return {
        target: from_decimal(value) if isinstance(value, Decimal) else value
        for target, value in found.items()
        if value is not None
    }
