"""PT-01 to PT-28: every question an order has to pass, in order, as a literal list of small pure functions.

Each takes a frozen snapshot and answers `Breach | None`. The list has three places, by what each can see: the CLAIM
(rows, inside T1's transaction), the SESSION (books, feeds and clocks in memory, right before the claim), the WIRE (the
last look before the bytes leave). Invariant: a limit is the last amount that is allowed; one unit above it is refused.
What only reduces a position passes every question of size, loss and age: refusing it would keep the risk.
Source: SEC 15c3-5 (c)(1) and RTS 6 Art. 15, as check lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from risk.checks import authority, flow, losses, market, price, sizes, wire
from risk.checks.values import Breach, ClaimSnapshot, LiveSnapshot, WireSnapshot


class Act(StrEnum):
    """What a breach does beside refusing the order. MARKET: everybody waits in this market until it is calm; STRATEGY:
    this strategy waits for a person; ACCOUNT: only reducing orders, for a person; EVERYTHING: all trading is halted."""

    DENY = "deny"
    MARKET = "market"
    STRATEGY = "strategy"
    ACCOUNT = "account"
    EVERYTHING = "everything"


class ClaimCheck(NamedTuple):
    pt: str
    ask: Callable[[ClaimSnapshot], Breach | None]
    act: Act = Act.DENY


class LiveCheck(NamedTuple):
    pt: str
    ask: Callable[[LiveSnapshot], Breach | None]
    act: Act = Act.DENY


class WireCheck(NamedTuple):
    pt: str
    ask: Callable[[WireSnapshot], Breach | None]
    act: Act = Act.EVERYTHING


CLAIM_CHECKS: tuple[ClaimCheck, ...] = (
    ClaimCheck("PT-02", authority.account_authorised),
    ClaimCheck("PT-02", authority.identity_proven),
    ClaimCheck("PT-28", authority.build_allowed),
    ClaimCheck("PT-01", authority.trading_armed),
    ClaimCheck("PT-03", market.market_takes_orders),
    ClaimCheck("PT-06", sizes.worst_loss_is_counted),
    ClaimCheck("PT-10", sizes.something_to_reduce),
    ClaimCheck("PT-20", flow.no_wash),
    ClaimCheck("PT-21", flow.unknown_in_system, Act.EVERYTHING),
    ClaimCheck("PT-21", flow.unknown_in_account),
    ClaimCheck("PT-21", flow.unknown_in_market),
    ClaimCheck("PT-21", flow.open_orders),
    ClaimCheck("PT-13", losses.system_loss, Act.EVERYTHING),
    ClaimCheck("PT-13", losses.daily_loss, Act.ACCOUNT),
    ClaimCheck("PT-13", losses.daily_loss_share, Act.ACCOUNT),
    ClaimCheck("PT-13", losses.strategy_loss, Act.STRATEGY),
    ClaimCheck("PT-14", losses.drawdown, Act.ACCOUNT),
    ClaimCheck("PT-14", losses.losses_in_a_row),
    ClaimCheck("PT-15", flow.no_twin),
    ClaimCheck("PT-16", flow.entries_of_minutes, Act.STRATEGY),
    ClaimCheck("PT-16", flow.entries_of_the_day, Act.STRATEGY),
    ClaimCheck("PT-18", flow.messages_per_fill, Act.STRATEGY),
    ClaimCheck("PT-18", flow.reject_share, Act.STRATEGY),
    ClaimCheck("PT-07", sizes.order_contracts),
    ClaimCheck("PT-08", sizes.order_value),
    ClaimCheck("PT-08", sizes.balance_share),
    ClaimCheck("PT-10", sizes.market_position),
    ClaimCheck("PT-10", sizes.game_position),
    ClaimCheck("PT-10", sizes.group_position),
    ClaimCheck("PT-11", sizes.account_exposure),
    ClaimCheck("PT-11", sizes.venue_exposure),
    ClaimCheck("PT-11", sizes.system_exposure),
    ClaimCheck("PT-12", sizes.cash_covers),
    ClaimCheck("PT-11", sizes.exposure_share),
)

LIVE_CHECKS: tuple[LiveCheck, ...] = (
    LiveCheck("PT-27", flow.sent_within_decided, Act.EVERYTHING),
    LiveCheck("PT-03", market.market_open),
    LiveCheck("PT-03", market.on_grid),
    LiveCheck("PT-03", market.in_lots),
    LiveCheck("PT-03", market.not_closing),
    LiveCheck("PT-06", market.price_in_band),
    LiveCheck("PT-22", market.clocks_agree),
    LiveCheck("PT-23", market.game_in_order),
    LiveCheck("PT-23", market.score_fresh),
    LiveCheck("PT-25", market.settles_well),
    LiveCheck("PT-19", market.fills_are_heard),
    LiveCheck("PT-19", market.book_usable),
    LiveCheck("PT-19", market.book_fresh),
    LiveCheck("PT-05", price.price_calm, Act.MARKET),
    LiveCheck("PT-04", price.near_the_book),
    LiveCheck("PT-04", price.near_fair_value),
    LiveCheck("PT-24", price.edge_believable),
    LiveCheck("PT-24", price.edge_there),
    LiveCheck("PT-09", price.depth_share),
    LiveCheck("PT-12", market.cash_at_venue),
    LiveCheck("PT-17", flow.message_budget),
)

SIGHT_CHECKS: tuple[LiveCheck, ...] = tuple(check for check in LIVE_CHECKS if check.pt == "PT-19")
"""What may be lost between the claim and the wire, and costs nothing to ask again: is the book still what it was read
from, and would a fill be heard?"""

ACCOUNT_CHECKS: tuple[ClaimCheck, ...] = tuple(
    check for check in CLAIM_CHECKS if check.ask.__module__ == losses.__name__ and check.pt in ("PT-13", "PT-14")
)
"""Those that ask nothing about the order: what they refuse now, they refuse of every entry."""

WIRE_CHECKS: tuple[WireCheck, ...] = (
    WireCheck("PT-26", wire.bytes_as_approved),
    WireCheck("PT-26", wire.contracts_as_approved),
)

CHECKS: tuple[ClaimCheck | LiveCheck | WireCheck, ...] = (*LIVE_CHECKS, *CLAIM_CHECKS, *WIRE_CHECKS)
"""All of them in the order in which an order meets them."""


class Verdict(NamedTuple):
    """The first No, with what it does."""

    breach: Breach
    act: Act


def judge_claim(one: ClaimSnapshot) -> Verdict | None:
    """The first breach in the order of the list, or None."""
    for check in CLAIM_CHECKS:
        if breach := check.ask(one):
            return Verdict(replace(breach, pt=check.pt), check.act)
    return None


def judge_account(one: ClaimSnapshot) -> Verdict | None:
    """As `judge_claim`, of what stops every entry of the account."""
    for check in ACCOUNT_CHECKS:
        if breach := check.ask(one):
            return Verdict(replace(breach, pt=check.pt), check.act)
    return None


def judge_live(one: LiveSnapshot) -> Verdict | None:
    """As `judge_claim`, of what the session sees."""
    for check in LIVE_CHECKS:
        if breach := check.ask(one):
            return Verdict(replace(breach, pt=check.pt), check.act)
    return None


def judge_sight(one: LiveSnapshot) -> Verdict | None:
    """As `judge_live`, of what is looked at once more when the order is about to leave."""
    for check in SIGHT_CHECKS:
        if breach := check.ask(one):
            return Verdict(replace(breach, pt=check.pt), check.act)
    return None


def judge_wire(one: WireSnapshot) -> Verdict | None:
    """As `judge_claim`, of what is about to leave."""
    for check in WIRE_CHECKS:
        if breach := check.ask(one):
            return Verdict(replace(breach, pt=check.pt), check.act)
    return None
