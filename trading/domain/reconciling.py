"""Our books beside the venue's: what differs, and what is only on its way. Pure.

Story: an account was read twice, a few seconds apart, each time next to our own rows. `compare` lists what differs in
one pair; `confirmed` keeps what stands in both with the same gap, because the reads of a venue are not one moment and
what is in flight moves in between. Invariants: equal books give no difference; every difference names both figures; a
market that is being settled, or in which a fill may yet be taken back, is judged when that is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

Quantities = tuple[int, int]
"""µcontracts of YES and of NO."""


class DifferenceKind(StrEnum):
    """GHOST: open here, not there. UNKNOWN_ORDER: there, and not, or no more, in our books. UNSEEN_FILL: the venue's
    order says more is filled than its fills do. FILL: an execution that only one side has. LEDGER: our own books
    disagree."""

    GHOST = "ghost"
    UNKNOWN_ORDER = "unknown_order"
    UNSEEN_FILL = "unseen_fill"
    FILL = "fill"
    POSITION = "position"
    CASH = "cash"
    LEDGER = "ledger"


class OurOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of our rows that works, or whose fills are not all told. `is_open`: the venue has acknowledged it."""

    name: str
    venue_order_id: str
    market_id: str
    is_open: bool
    is_busy: bool
    filled_u: int
    unseen_u: int


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """Our rows of one account at one moment. `known_orders`: every id, ours or the venue's, that our books explain.

    `ended_orders`: those of them that are over here, and not since a moment ago.
    `fills`: key → µcontracts, of the stretch of time that was read. `moving`: markets whose quantities are not final.
    `is_busy`: something happened a moment ago, or money is on its way: cash is not judged.
    """

    cash_u: int
    positions: Mapping[str, Quantities]
    orders: tuple[OurOrder, ...] = ()
    known_orders: frozenset[str] = frozenset()
    ended_orders: frozenset[str] = frozenset()
    fills: Mapping[str, int] = {}
    moving: frozenset[str] = frozenset()
    is_busy: bool = False
    ledger: tuple[str, ...] = ()


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's word on the same account. `orders`: open ones, venue id → (client id, market, µcontracts filled)."""

    cash_u: int
    positions: Mapping[str, Quantities]
    orders: Mapping[str, tuple[str, str, int]] = {}
    fills: Mapping[str, int] = {}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the same whenever the same thing differs. Figures in µUSD (cash) or µcontracts."""

    kind: DifferenceKind
    key: str
    text: str
    market_id: str = ""
    ours_u: int = 0
    theirs_u: int = 0

    @property
    def gap_u(self) -> int:
        return self.theirs_u - self.ours_u


def compare(ours: Ours, theirs: Theirs) -> tuple[Difference, ...]:
    """Everything that differs, in a fixed order."""
    found = [
        *_orders(ours, theirs),
        *_fills(ours, theirs),
        *_positions(ours, theirs),
        *_cash(ours, theirs),
        *(Difference(kind=DifferenceKind.LEDGER, key=f"ledger:{line}"[:220], text=line[:300]) for line in ours.ledger),
    ]
    return tuple(sorted(found, key=lambda one: (one.kind, one.key)))


def confirmed(first: Iterable[Difference], second: Iterable[Difference]) -> tuple[Difference, ...]:
    """What the second reading says again with the same gap; a figure that moved is still on its way."""
    gaps = {one.key: one.gap_u for one in first}
    return tuple(one for one in second if gaps.get(one.key) == one.gap_u)


def _orders(ours: Ours, theirs: Theirs) -> Iterator[Difference]:
    for venue_id, (client_id, market_id, filled_u) in theirs.orders.items():
        names = {venue_id, client_id}
        if not names & ours.known_orders or names & ours.ended_orders:
            where = "over in our books" if names & ours.ended_orders else "not in our books"
            text = f"Order {client_id or venue_id} is open at the venue and {where}."
            yield Difference(
                kind=DifferenceKind.UNKNOWN_ORDER,
                key=f"order:{venue_id}",
                text=text,
                market_id=market_id,
                theirs_u=filled_u,
            )
    there = set(theirs.orders) | {client_id for client_id, _, _ in theirs.orders.values() if client_id}
    for order in ours.orders:
        if order.is_busy:
            continue
        if order.is_open and not {order.name, order.venue_order_id} & there:
            text = f"Order {order.name} is open here and the venue does not have it."
            yield _of_order(DifferenceKind.GHOST, order, text)
        if order.unseen_u:
            text = f"The venue says that {order.unseen_u} µcontracts more of order {order.name} are filled than told."
            yield _of_order(DifferenceKind.UNSEEN_FILL, order, text)


def _of_order(kind: DifferenceKind, order: OurOrder, text: str) -> Difference:
    return Difference(
        kind=kind,
        key=f"{kind}:{order.name}",
        text=text,
        market_id=order.market_id,
        ours_u=order.filled_u,
        theirs_u=order.filled_u + order.unseen_u,
    )


def _fills(ours: Ours, theirs: Theirs) -> Iterator[Difference]:
    for key in sorted(ours.fills.keys() | theirs.fills.keys()):
        mine_u, yours_u = ours.fills.get(key, 0), theirs.fills.get(key, 0)
        if mine_u != yours_u:
            text = f"Fill {key}: {mine_u} µcontracts here, {yours_u} at the venue."
            yield Difference(
                kind=DifferenceKind.FILL, key=f"fill:{key}"[:220], text=text[:300], ours_u=mine_u, theirs_u=yours_u
            )


def _positions(ours: Ours, theirs: Theirs) -> Iterator[Difference]:
    for market_id in sorted(ours.positions.keys() | theirs.positions.keys()):
        mine, yours = ours.positions.get(market_id, (0, 0)), theirs.positions.get(market_id, (0, 0))
        if mine == yours or market_id in ours.moving:
            continue
        for outcome, mine_u, yours_u in zip(("YES", "NO"), mine, yours, strict=True):
            if mine_u != yours_u:
                yield Difference(
                    kind=DifferenceKind.POSITION,
                    key=f"position:{market_id}:{outcome}",
                    text=f"{outcome} of {market_id}: {mine_u} µcontracts here, {yours_u} at the venue.",
                    market_id=market_id,
                    ours_u=mine_u,
                    theirs_u=yours_u,
                )


def _cash(ours: Ours, theirs: Theirs) -> Iterator[Difference]:
    """Not judged while anything is on its way: the venue may have moved the money first."""
    if ours.cash_u != theirs.cash_u and not ours.is_busy:
        gap_u = theirs.cash_u - ours.cash_u
        text = f"Cash: {ours.cash_u} µUSD here, {theirs.cash_u} at the venue ({gap_u:+})."
        yield Difference(
            kind=DifferenceKind.CASH, key=f"cash:{gap_u:+}", text=text, ours_u=ours.cash_u, theirs_u=theirs.cash_u
        )
