"""Our books and the simulated venues' own, in the same words, so that a test can say: equal to the last µUSD.

Ours are read with plain SQL through any DB-API cursor: a test may look into the database of another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from venues.types import MICRO, Outcome, Side, Venue

STATUS_OF = {"resting": "open", "delayed": "open"}
FORGETS = {(Venue.POLYMARKET.value, status): "gone" for status in ("canceled", "expired")}
"""A venue that forgets ended orders cannot be asked how one ended: canceled or expired, it is gone."""

NEVER_SEEN = "never seen"
"""Ended without a word from a venue that forgets: it came and went unfilled, or it never arrived."""

ORDERS = """
SELECT a.venue, o.venue_order_id, o.status, o.filled_u + o.voided_u, o.acknowledged_at IS NOT NULL FROM trading_order o
JOIN accounts_venueaccount a ON a.id = o.venue_account_id
WHERE a.is_enabled AND o.status IN ('open', 'filled', 'canceled', 'expired')
"""
FILLS = """
SELECT a.venue, f.trade_id, f.venue_order_id, f.side, f.outcome, f.price_u, f.qty_u, f.fee_u, f.settle_state
FROM trading_fill f JOIN accounts_venueaccount a ON a.id = f.venue_account_id WHERE a.is_enabled
"""
POSITIONS = """
SELECT a.venue, m.market_id, p.outcome, p.qty_u FROM trading_position p
JOIN accounts_venueaccount a ON a.id = p.venue_account_id JOIN markets_market m ON m.id = p.market_id
WHERE a.is_enabled AND p.is_open
"""
SETTLEMENTS = """
SELECT a.venue, m.market_id, s.value_u, s.yes_qty_u, s.no_qty_u, s.payout_u FROM trading_settlement s
JOIN accounts_venueaccount a ON a.id = s.venue_account_id JOIN markets_market m ON m.id = s.market_id
WHERE a.is_enabled
"""
ON_THEIR_WAY = """
SELECT a.venue, o.venue_order_id FROM trading_order o JOIN accounts_venueaccount a ON a.id = o.venue_account_id
WHERE a.is_enabled AND o.status = 'claimed' AND o.venue_order_id <> ''
"""
CASH = """
SELECT a.venue, l.cash_u, l.reserved_u FROM trading_accountledger l
JOIN accounts_venueaccount a ON a.id = l.venue_account_id WHERE a.is_enabled
"""


Key = tuple[Any, ...]


class Cursor(Protocol):
    def execute(self, sql: str) -> Any: ...
    def fetchall(self) -> Any: ...


class Books(msgspec.Struct, frozen=True):
    """Everything that must be equal. Keys begin with the venue; amounts in millionths."""

    orders: dict[Key, tuple[Any, ...]]
    fills: dict[tuple[Any, ...], tuple[Any, ...]]
    positions: dict[tuple[Any, ...], int]
    settlements: dict[tuple[Any, ...], tuple[Any, ...]]
    cash_u: dict[str, int]
    reserved_u: dict[str, int]

    @property
    def fees_u(self) -> int:
        return sum(fill[4] for fill in self.fills.values())

    def differences(self, other: Books, *, but_for: str = "", lost: int = 0, cut_off: Iterable[Key] = ()) -> list[str]:
        """A line for everything that is not the same in both, but for one part and for what open orders hold.

        What never arrived at a venue that forgets cannot be denied by it: of such orders those may be that were
        `cut_off` on their way, and `lost` others.
        """
        found = []
        unheard = self.unheard(other)
        allowed = unheard if len(unheard.difference(cut_off)) <= lost else unheard.intersection(cut_off)
        for part in {"orders", "fills", "positions", "settlements", "cash_u"} - {but_for}:
            mine, theirs = getattr(self, part), getattr(other, part)
            for key in sorted(mine.keys() | theirs.keys(), key=str):
                is_told = (part != "orders" or key not in allowed) and not _is_untold(mine.get(key), theirs.get(key))
                if mine.get(key) != theirs.get(key) and is_told:
                    found.append(f"{part} {key}: ours {mine.get(key)}, the venue's {theirs.get(key)}")
        return found

    def unheard(self, other: Books) -> set[Key]:
        """Orders of ours that ended without a word and that the other book does not know."""
        return {key for key, mine in self.orders.items() if mine == (NEVER_SEEN, 0) and key not in other.orders}


def on_their_way(cursor: Cursor) -> set[Key]:
    """Orders that may be on their way to a venue now: named there (a venue that gives ids itself names them later), and
    not answered. Keys as in `Books.orders`."""
    cursor.execute(ON_THEIR_WAY)
    return {tuple(row) for row in cursor.fetchall()}


def our_books(cursor: Cursor) -> Books:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]

    cash = rows(CASH)
    return Books(
        orders={row[:2]: _our_order(*row) for row in rows(ORDERS)},
        fills=_keyed((_told_as_yes(row) for row in rows(FILLS)), 3),
        positions={row[:3]: row[3] for row in rows(POSITIONS)},
        settlements=_keyed(rows(SETTLEMENTS), 2),
        cash_u={venue: cash_u for venue, cash_u, _ in cash},
        reserved_u={venue: reserved_u for venue, _, reserved_u in cash},
    )


def venue_books(ledger: Mapping[str, Any]) -> Books:
    """Of `GET /ledger` at the simulator's control port, with one account per venue."""
    accounts = ledger["accounts"]
    return Books(
        orders={
            (account["venue"], order["order_id"]): (_status(account["venue"], order["state"]), order["filled_u"])
            for account in accounts
            for order in account["orders"]
        },
        fills=_keyed((_fill(account["venue"], fill) for account in accounts for fill in account["fills"]), 3),
        positions={
            (account["venue"], f"{account['venue']}:{held['native_id']}", outcome): held[f"{outcome}_qty_u"]
            for account in accounts
            for held in account["positions"]
            for outcome in ("yes", "no")
            if held[f"{outcome}_qty_u"]
        },
        settlements=_keyed(
            (_paid(account["venue"], paid) for account in accounts for paid in account["settlements"]), 2
        ),
        cash_u={account["venue"]: account["cash_u"] for account in accounts},
        reserved_u={account["venue"]: account["reserved_u"] for account in accounts},
    )


def _our_order(venue: str, _name: str, status: str, filled_u: int, is_acknowledged: bool) -> tuple[str, int]:
    told = _status(venue, status)
    return (NEVER_SEEN if told == "gone" and not is_acknowledged and not filled_u else told, filled_u)


def _is_untold(mine: Any, theirs: Any) -> bool:
    """An order that we never saw at a venue that forgets, and that ended there unfilled."""
    return mine == (NEVER_SEEN, 0) and theirs == ("gone", 0)


def _status(venue: str, state: str) -> str:
    status = STATUS_OF.get(state, state)
    return FORGETS.get((venue, status), status)


def _fill(venue: str, fill: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("trade_id", "order_id", "side", "outcome", "price_u", "qty_u", "fee_u", "settle_state")
    return _told_as_yes((venue, *(fill[name] for name in names)))


def _told_as_yes(fill: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where YES and NO net, a sale of one is a purchase of the other: the same execution has two ways to be told."""
    venue, trade_id, order_id, side, outcome, price_u, *rest = fill
    if venue == Venue.KALSHI and outcome == Outcome.NO:
        other = Side.SELL if side == Side.BUY else Side.BUY
        return (venue, trade_id, order_id, other.value, Outcome.YES.value, MICRO - price_u, *rest)
    return fill


def _paid(venue: str, paid: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("value_u", "yes_qty_u", "no_qty_u", "payout_u")
    return (venue, f"{venue}:{paid['native_id']}", *(paid[name] for name in names))


def _keyed(rows: Iterable[tuple[Any, ...]], width: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Rows by their first `width` columns. Two rows with one key are a bug, not a later value."""
    keyed: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        assert row[:width] not in keyed, f"twice: {row}"
        keyed[row[:width]] = row[width:]
    return keyed
