"""The person who decides what no proof decides: an order without a fence and without an end, lost on its way.

Story (ORDERS §2.5, the fallback): a strategy never sends such an order, a person may ask for one. When its answer is
lost it stays unknown, its money reserved; the owner is told; once no request can still arrive the venue's support is
asked, and its word ends the order. Invariant: the person decides only there, only after the alert, and only what the
venue's own ledger confirms; everything else that is unknown in the end stays a violation. The same person looks when
the venue itself shut an account's fence, and re-arms it once its books are clean.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import clock
from core.errors import DomainError
from notifications.models import Alert
from risk.models import HaltState, TradingHalt
from risk.services import halt_resume
from trading.engine.proof import ABSENT_FOR_S
from trading.models import Order, OrderStatus
from trading.selectors.venue_rules import capabilities_of
from trading.services.orders import UNKNOWN_FOR_GOOD, order_void
from trading.services.pauses import FENCE_SHUT
from venues.types import TimeInForce, Venue

if TYPE_CHECKING:
    from tests.chaos.run import Run

ACTOR = "operator"
A_MOMENT = timedelta(seconds=1)


class Operator:
    def __init__(self, run: Run) -> None:
        self._run = run

    def decide(self) -> None:
        """Void what the alert is about and the venue never had; trade again after the venue shut our fence."""
        for halt in TradingHalt.objects.filter(code=FENCE_SHUT, state=HaltState.HALTED):
            with suppress(DomainError):  # the books are not clean yet: asked again
                halt_resume(halt=halt, reason="The venue's throttle fired; the books are clean.", actor=ACTOR)
                self._run.log("rearmed")
        for order in self._run.working():
            if self._is_theirs(order) and self._is_told(order) and not self._has_arrived(order):
                order_void(order=order, reason="The venue's support never saw it.", actor=ACTOR)
                self._run.result.judged += 1
                self._run.log("judged", order.client_order_id)

    def decides_at(self, order: Order) -> datetime | None:
        """When time proves what became of an order that has no answer; None: something else does, or it rests."""
        if order.status != OrderStatus.CLAIMED or order.sent_at is None:
            return None
        if self._is_for_a_person(order):
            return order.created_at + UNKNOWN_FOR_GOOD + A_MOMENT
        proves_end_ms = capabilities_of(order.venue_account.venue).expiry_proves_end_ms
        if order.expires_at is None or proves_end_ms is None:
            return None
        return order.expires_at + timedelta(milliseconds=proves_end_ms) - timedelta(seconds=ABSENT_FOR_S)

    def _is_theirs(self, order: Order) -> bool:
        return self._is_for_a_person(order) and clock.now() - order.created_at >= UNKNOWN_FOR_GOOD

    def _is_for_a_person(self, order: Order) -> bool:
        """Sent, no answer, and neither a fence nor an end of its own will ever prove anything."""
        is_unknown = order.status == OrderStatus.CLAIMED and order.sent_at is not None
        fences = capabilities_of(order.venue_account.venue).fences
        return is_unknown and not fences and order.time_in_force != TimeInForce.GTD

    def _is_told(self, order: Order) -> bool:
        return Alert.objects.filter(code="order_unknown", subject_uid=str(order.uid)).exists()

    def _has_arrived(self, order: Order) -> bool:
        venue = Venue(order.venue_account.venue)
        ledger = self._run.venues.exchange(venue).ledger(self._run.venues.account_id(venue))
        return self._run.network.on_the_way > 0 or any(one.order_id == order.venue_order_id for one in ledger.orders)
