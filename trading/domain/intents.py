"""Orders the session asked for and that are not over: what is in flight, unknown, resting, or waiting for its fills.

Story: an intent is working from the moment the session emits it, so a second entry cannot race the first. It stops
working when its status has ended *and* every fill the venue told of has been booked: an order reported filled before
its fill arrives still counts. Invariant: unknown is working; nothing but evidence ends an intent.

An entry that ended with a part of it filled leaves that part behind (`parts`) until the next entry there.
"""

from __future__ import annotations

from collections.abc import Iterable

from trading.domain.commands import Purpose, SubmitOrder
from trading.domain.lifecycle import ENDED, OrderStatus, may_move
from trading.domain.messages import IntentUpdate
from trading.domain.opening import EntryPart, WorkingOrder
from venues.types import FillReport, Outcome

Place = tuple[str, str, Outcome]
"""(account, market_id, outcome)"""


class Intent:
    """One order on its way; mutable, owned by `Intents`."""

    __slots__ = (
        "asked_u",
        "cancel_asked_us",
        "client_order_id",
        "ended_us",
        "filled_u",
        "order",
        "seen_u",
        "status",
        "venue_id",
    )

    def __init__(self, order: SubmitOrder) -> None:
        self.order = order
        self.asked_u = order.qty_u
        self.status = OrderStatus.CLAIMED
        self.filled_u = 0
        self.seen_u = 0
        self.client_order_id = ""
        self.venue_id = ""
        self.cancel_asked_us = 0
        self.ended_us = 0

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_working(self) -> bool:
        return not self.has_ended or self.seen_u < self.filled_u

    @property
    def place(self) -> Place:
        return self.order.account, self.order.market_id, self.order.outcome

    @property
    def reserved_u(self) -> int:
        """The most its unfilled part can still cost, µUSD, rounded up; exits cost nothing."""
        left_u = max(self.order.qty_u - self.seen_u, 0)
        return -(-self.order.max_cost_u * left_u // self.order.qty_u)


class Intents:
    """The working intents by decision id, found by market and by the order ids of fills."""

    __slots__ = ("_by_order_id", "_early_fills", "parts", "working")

    def __init__(self, opening: Iterable[WorkingOrder], parts: Iterable[EntryPart] = ()) -> None:
        self.working: dict[str, Intent] = {}
        self.parts: dict[Place, EntryPart] = {(part.account, part.market_id, part.outcome): part for part in parts}
        self._by_order_id: dict[str, Intent] = {}
        self._early_fills: dict[str, int] = {}
        for stored in opening:
            self._restore(stored)

    def _restore(self, stored: WorkingOrder) -> None:
        intent = Intent(stored.order)
        intent.status = stored.status
        intent.filled_u, intent.seen_u = stored.filled_u, stored.seen_u
        self.working[stored.order.decision_id] = intent
        self._name(intent, stored.client_order_id, stored.venue_order_id)

    def add(self, order: SubmitOrder) -> None:
        intent = self.working[order.decision_id] = Intent(order)
        if order.purpose is Purpose.ENTRY:
            self.parts.pop(intent.place, None)

    def update(self, update: IntentUpdate, now_us: int) -> Intent | None:
        """Take the shell's word about an intent; None if it is not ours or already over. Illegal moves are ignored:
        reports arrive out of order, and an end stays an end."""
        intent = self.working.get(update.decision_id)
        if intent is None:
            return None
        self._name(intent, update.client_order_id, update.venue_order_id)
        intent.asked_u = update.qty_u or intent.asked_u
        if may_move(intent.status, update.status):
            intent.status = update.status
            if intent.has_ended:
                intent.ended_us = now_us
        intent.filled_u = max(intent.filled_u, update.filled_u)
        self._drop_if_over(intent)
        return intent

    def note_fill(self, fill: FillReport) -> None:
        """Count a newly booked fill for its intent, even when it comes before the shell has named the order."""
        intent = self._by_order_id.get(fill.client_order_id) or self._by_order_id.get(fill.venue_order_id)
        if intent is None:
            for order_id in {fill.client_order_id, fill.venue_order_id} - {""}:
                self._early_fills[order_id] = self._early_fills.get(order_id, 0) + fill.qty_u
            return
        intent.seen_u += fill.qty_u
        self._drop_if_over(intent)

    def for_market(self, market_id: str) -> list[Intent]:
        return [intent for intent in self.working.values() if intent.order.market_id == market_id]

    def entries(self) -> list[Intent]:
        return [intent for intent in self.working.values() if intent.order.purpose is Purpose.ENTRY]

    def export(self) -> tuple[WorkingOrder, ...]:
        return tuple(
            WorkingOrder(
                order=intent.order,
                status=intent.status,
                filled_u=intent.filled_u,
                seen_u=intent.seen_u,
                client_order_id=intent.client_order_id,
                venue_order_id=intent.venue_id,
            )
            for intent in self.working.values()
        )

    def _name(self, intent: Intent, client_order_id: str, venue_order_id: str) -> None:
        if client_order_id and not intent.client_order_id:
            intent.client_order_id = client_order_id
            self._adopt(intent, client_order_id)
        if venue_order_id and not intent.venue_id:
            intent.venue_id = venue_order_id
            self._adopt(intent, venue_order_id)

    def _adopt(self, intent: Intent, order_id: str) -> None:
        """Fills that came early were filed under both ids: the larger count of the two is theirs."""
        self._by_order_id[order_id] = intent
        intent.seen_u = max(intent.seen_u, self._early_fills.pop(order_id, 0))

    def _drop_if_over(self, intent: Intent) -> None:
        if not intent.is_working:
            self._note_part(intent)
            self.working.pop(intent.order.decision_id, None)
            self._by_order_id.pop(intent.client_order_id, None)
            self._by_order_id.pop(intent.venue_id, None)

    def _note_part(self, intent: Intent) -> None:
        order = intent.order
        if order.purpose is Purpose.ENTRY and 0 < intent.seen_u < intent.asked_u:
            self.parts[intent.place] = EntryPart(
                account=order.account,
                market_id=order.market_id,
                outcome=order.outcome,
                filled_u=intent.seen_u,
                asked_u=intent.asked_u,
            )
