"""How much: PT-06 to PT-08 the order itself, PT-10 and PT-11 what is at stake with it, PT-12 the cash.

All at the worst: working and unknown orders in full. What only reduces passes: refusing it would keep the risk.
"""

from __future__ import annotations

from risk.checks.values import Breach, ClaimSnapshot, over, share_of
from risk.limits import HARD_CAPS, Level, Limits
from venues.types import MICRO

CLAIMS_AT_ONCE = 8
"""Claims of different accounts that may be under way without seeing each other: the turns they take in T1."""


def something_to_reduce(one: ClaimSnapshot) -> Breach | None:
    """PT-10: a reducing order sells what is held and not for sale already, never more."""
    if one.free_qty_u is None or one.ask.qty_u <= one.free_qty_u:
        return None
    return Breach("nothing_to_reduce", one.ask.qty_u, max(0, one.free_qty_u))


def worst_loss_is_counted(one: ClaimSnapshot) -> Breach | None:
    """PT-06: price between 0 and 1, and the cost at least what the contracts cost at that price, whatever the side."""
    ask = one.ask
    if not 0 < ask.price_u < MICRO:
        return Breach("price_off_band", ask.price_u, MICRO)
    least_u = 0 if ask.reduces else -(-ask.price_u * ask.qty_u // MICRO) - 1
    return Breach("cost_understated", ask.cost_u, least_u) if ask.cost_u < least_u else None


def order_contracts(one: ClaimSnapshot) -> Breach | None:
    """PT-07."""
    return None if one.ask.reduces else over("max_order_qty", one.ask.qty_u, one.limits, "max_order_qty_u")


def order_value(one: ClaimSnapshot) -> Breach | None:
    """PT-08: cost and the most it can cost in fees."""
    return over("max_order_usd", one.ask.cost_u, one.limits, "max_order_usd_u")


def balance_share(one: ClaimSnapshot) -> Breach | None:
    """PT-08: no order is too large a part of the cash."""
    limit_u = share_of(one.money.cash_u, one.limits.max_balance_share_u)
    return _above("max_balance_share", one.ask.cost_u, limit_u, one.limits, "max_balance_share_u")


def market_position(one: ClaimSnapshot) -> Breach | None:
    """PT-10: in this market."""
    return _stake("max_position_usd", one, one.money.market_u, "max_position_usd_u")


def game_position(one: ClaimSnapshot) -> Breach | None:
    """PT-10: in all markets of this game."""
    return _stake("max_game_usd", one, one.money.game_u, "max_game_usd_u")


def group_position(one: ClaimSnapshot) -> Breach | None:
    """PT-10: in all markets of this league, which may fall together."""
    return _stake("max_group_usd", one, one.money.group_u, "max_group_usd_u")


def account_exposure(one: ClaimSnapshot) -> Breach | None:
    """PT-11: of the account, in money."""
    return _stake("max_exposure_usd", one, one.money.exposure_u, "max_exposure_usd_u")


def exposure_share(one: ClaimSnapshot) -> Breach | None:
    """PT-11: of the account, as a part of its equity."""
    if one.ask.reduces:
        return None
    limit_u = share_of(one.money.equity_u, one.limits.max_exposure_share_u)
    return _above("max_exposure_share", one.money.exposure_u + one.ask.cost_u, limit_u, one.limits,
                  "max_exposure_share_u")  # fmt: skip


def venue_exposure(one: ClaimSnapshot) -> Breach | None:
    """PT-11: of all accounts at this venue together, against what the venue's level says."""
    value_u = one.money.venue_u + one.ask.cost_u
    if one.ask.reduces or one.venue_limit_u is None or value_u <= one.venue_limit_u:
        return None
    return Breach("max_venue_usd", value_u, one.venue_limit_u, level=Level.VENUE)


def system_exposure(one: ClaimSnapshot) -> Breach | None:
    """PT-11: of all accounts together, against the hard cap."""
    if one.ask.reduces:
        return None
    return over("max_system_usd", one.money.system_u + one.ask.cost_u, HARD_CAPS, "max_exposure_usd_u")


def nears_a_shared_limit(one: ClaimSnapshot) -> bool:
    """Could this claim and those under way beside it, each of the largest order there is, pass a limit that many
    accounts share (PT-11)? Then it has to be claimed while no other is."""
    unseen_u = CLAIMS_AT_ONCE * HARD_CAPS.max_order_usd_u
    shared = ((one.money.system_u, HARD_CAPS.max_exposure_usd_u), (one.money.venue_u, one.venue_limit_u))
    return not one.ask.reduces and any(limit is not None and held + unseen_u > limit for held, limit in shared)


def cash_covers(one: ClaimSnapshot) -> Breach | None:
    """PT-12: reserved and new within the cash less its buffer. `_reserve` says it once more, in the database."""
    if one.ask.reduces:
        return None
    free_u = cash_limit_u(one.money.cash_u, one.limits)
    held_u = one.money.reserved_u + one.ask.cost_u
    return Breach("insufficient_cash", held_u, free_u) if held_u > free_u else None


def cash_limit_u(cash_u: int, limits: Limits) -> int:
    """What of the cash may be spent, µUSD: the larger of both buffers is kept."""
    return cash_u - max(limits.cash_buffer_usd_u, share_of(cash_u, limits.cash_buffer_share_u))


def _stake(code: str, one: ClaimSnapshot, before_u: int, name: str) -> Breach | None:
    return None if one.ask.reduces else over(code, before_u + one.ask.cost_u, one.limits, name)


def _above(code: str, value_u: int, limit_u: int, limits: Limits, name: str) -> Breach | None:
    return Breach(code, value_u, limit_u, level=limits.level_of(name)) if value_u > limit_u else None
