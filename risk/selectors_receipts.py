"""The receipt of an emergency stop: one sentence and the rows behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from core.errors import NotFound
from core.money import plain_text
from risk.models import HaltScope, KillSwitchEvent, KillSwitchPart


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event with the parts that the reader may see."""

    event: KillSwitchEvent
    parts: list[KillSwitchPart]

    @property
    def is_proven(self) -> bool:
        return bool(self.parts) and all(part.proven_gone_at for part in self.parts)

    @property
    def is_over(self) -> bool:
        """Nothing is left to wait for: proven gone, and sold where that was asked for."""
        return self.is_proven and (not self.event.flatten or all(part.flat_at for part in self.parts))

    @property
    def orders_open(self) -> int:
        return sum(part.orders_open for part in self.parts)

    @property
    def positions_open(self) -> int:
        return sum(part.positions_open for part in self.parts)

    @property
    def positions_closed(self) -> int:
        return sum(part.positions_closed for part in self.parts)

    @property
    def pnl_u(self) -> int:
        return sum(part.pnl_u for part in self.parts)

    @property
    def first_cancel_at(self) -> datetime | None:
        return min((part.first_cancel_at for part in self.parts if part.first_cancel_at), default=None)

    @property
    def proven_gone_at(self) -> datetime | None:
        return max((part.proven_gone_at for part in self.parts if part.proven_gone_at), default=None)

    @property
    def stuck(self) -> list[dict[str, object]]:
        """What cannot be canceled or sold now, at whatever account."""
        return [{"account": str(part.venue_account), **line} for part in self.parts for line in part.stuck]

    @property
    def sentence(self) -> str:
        event = self.event
        where = f"{event.scope} {event.scope_key}".strip()
        told = [f"Stopped {where} at {event.started_at:%H:%M:%S} UTC ({event.code}, by {event.actor}: {event.reason})."]
        told.append(self._of_orders())
        if event.flatten:
            result = plain_text(self.pnl_u)
            told.append(f"{self.positions_closed} of {self.positions_open} positions sold, result {result} USD.")
        told.append(f"{len(self.stuck)} cannot be done now." if self.stuck else "")
        if event.rearmed_at is not None:
            told.append(f"Armed again by {event.rearmed_by} at {event.rearmed_at:%H:%M:%S} UTC: {event.resolution}")
        return " ".join(filter(None, told))

    def _of_orders(self) -> str:
        if not self.parts:
            return "No account has answered yet."
        gone = f"{self.orders_open} orders were open"
        if not self.is_proven or self.proven_gone_at is None:
            waiting = ", ".join(str(part.venue_account) for part in self.parts if part.proven_gone_at is None)
            return f"{gone}; NOT proven gone yet at: {waiting}."
        return f"{gone}, all proven gone after {self._after(self.proven_gone_at)}{self._of_first_cancel()}."

    def _of_first_cancel(self) -> str:
        return f" (first cancel after {self._after(self.first_cancel_at)})" if self.first_cancel_at else ""

    def _after(self, moment: datetime) -> str:
        return f"{(moment - self.event.started_at).total_seconds():.2f} s"


def receipt_of(event: KillSwitchEvent, *, reader: User | None = None) -> Receipt:
    """`reader`: a person sees their own accounts only, an operator (None, or a superuser) all."""
    parts = event.parts.select_related("venue_account", "event")
    if reader is not None and not reader.is_superuser:
        parts = parts.filter(venue_account__user=reader)
    return Receipt(event, list(parts))


def stops_for(reader: User) -> QuerySet[KillSwitchEvent]:
    """Newest first: what stopped this person's accounts, and what stops everybody's; an operator sees all."""
    rows = KillSwitchEvent.objects.order_by("-started_at", "-id")
    if reader.is_superuser:
        return rows
    anybodys = ~Q(scope__in=[HaltScope.USER, HaltScope.ACCOUNT])
    return rows.filter(Q(owner=reader) | anybodys)


def get_stop_for(reader: User, uid: UUID | str) -> Receipt:
    """Raises NotFound, also for another person's."""
    event = stops_for(reader).filter(uid=uid).first()
    if event is None:
        raise NotFound
    return receipt_of(event, reader=reader)


def newest_stop(halt_pk: int) -> KillSwitchEvent | None:
    return KillSwitchEvent.objects.filter(halt_id=halt_pk).order_by("-halt_epoch").first()
