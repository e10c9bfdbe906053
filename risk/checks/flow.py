"""How often: PT-15 twins, PT-16 the same again and again, PT-18 messages without fills, PT-20 our own other side,
PT-21 unknown orders; and in the session PT-17 the message budget and PT-27 sent against decided.
"""

from __future__ import annotations

from risk.checks.values import Breach, ClaimSnapshot, LiveSnapshot, over
from venues.types import MICRO

SYSTEM_UNKNOWN = 10
SAMPLE = 50


def open_orders(one: ClaimSnapshot) -> Breach | None:
    """PT-21: working orders of the account, this one included."""
    return None if one.ask.reduces else over("max_open_orders", one.flow.open_orders + 1, one.limits, "max_open_orders")


def unknown_in_market(one: ClaimSnapshot) -> Breach | None:
    """PT-21: while the limit's worth of orders here is unknown, nothing more is sent here."""
    return _waiting(one, one.flow.unknown_market, one.limits.max_unknown_market, "max_unknown_market")


def unknown_in_account(one: ClaimSnapshot) -> Breach | None:
    """PT-21: in all markets of the account."""
    return _waiting(one, one.flow.unknown_account, one.limits.max_unknown_account, "max_unknown_account")


def unknown_in_system(one: ClaimSnapshot) -> Breach | None:
    """PT-21: so many that something is wrong with us, not with one order."""
    if one.ask.reduces or one.flow.unknown_system < SYSTEM_UNKNOWN:
        return None
    return Breach("unknown_system", one.flow.unknown_system, SYSTEM_UNKNOWN)


def no_twin(one: ClaimSnapshot) -> Breach | None:
    """PT-15: no other order of equal terms within the window. Exits are repeated on purpose, each reduce-only."""
    if one.ask.reduces or not one.flow.twins:
        return None
    level = one.limits.level_of("duplicate_window_ms")
    return Breach("duplicate_order", one.flow.twins, 0, level=level)


def entries_of_minutes(one: ClaimSnapshot) -> Breach | None:
    """PT-16: entries of this strategy in this market within ten minutes, this one included."""
    return _repeated(one, one.flow.entries_10min, "max_entries_10min")


def entries_of_the_day(one: ClaimSnapshot) -> Breach | None:
    """PT-16: the same, of the day."""
    return _repeated(one, one.flow.entries_day, "max_entries_day")


def messages_per_fill(one: ClaimSnapshot) -> Breach | None:
    """PT-18: messages of ten minutes for each fill; without a fill, all of them."""
    per_fill = one.flow.messages_10min // max(1, one.flow.fills_10min)
    return None if one.ask.reduces else over("messages_per_fill", per_fill, one.limits, "max_messages_per_fill")


def reject_share(one: ClaimSnapshot) -> Breach | None:
    """PT-18: refused by the venue, of the last fifty ended orders; fewer say nothing yet."""
    if one.ask.reduces or one.flow.last_50 < SAMPLE:
        return None
    share_u = one.flow.rejected_of_50 * MICRO // one.flow.last_50
    return over("reject_share", share_u, one.limits, "max_rejects_share_u")


def no_wash(one: ClaimSnapshot) -> Breach | None:
    """PT-20: no working order of the same person on the other side at a price that would meet this one."""
    return Breach("self_trade", one.flow.crossed, 0) if one.flow.crossed else None


def message_budget(one: LiveSnapshot) -> Breach | None:
    """PT-17: a whole token in the account's bucket. What reduces may use the reserve, down to one second's orders."""
    floor = -1_000 * one.limits.max_orders_per_s if one.ask.reduces else 0
    if one.tokens_milli - 1_000 >= floor:
        return None
    level = one.limits.level_of("max_orders_per_s")
    return Breach("message_budget", one.tokens_milli, 1_000 + floor, level=level)


def sent_within_decided(one: LiveSnapshot) -> Breach | None:
    """PT-27: of one decision no more contracts leave than it decided on."""
    total_u = one.sent_qty_u + one.ask.qty_u
    return Breach("sent_too_much", total_u, one.decided_qty_u) if total_u > one.decided_qty_u else None


def _waiting(one: ClaimSnapshot, count: int, limit: int, name: str) -> Breach | None:
    if one.ask.reduces or count < limit:
        return None
    return Breach("unknown_orders", count, limit, level=one.limits.level_of(name))


def _repeated(one: ClaimSnapshot, before: int, name: str) -> Breach | None:
    return None if one.ask.reduces else over("repeated_entries", before + 1, one.limits, name)
