"""The receipt of an emergency stop: one sentence and the rows behind it.

Invariant: a stop is proven when every account that it concerns is, not every account that somebody came to. Which
those are is known elsewhere (`register_accounts_unheard`), so that risk need not know orders; of a stop that has ended
they are those that it waited for then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User, VenueAccount
from core.errors import NotFound
from core.money import plain_text
from risk.models import HaltScope, KillSwitchEvent, KillSwitchPart

AccountsUnheard = Callable[[KillSwitchEvent], list[VenueAccount]]
_unheard: list[AccountsUnheard] = []


def register_accounts_unheard(selector: AccountsUnheard) -> None:
    """`selector` gives the accounts that an open stop concerns and that nobody has come to yet."""
    if selector not in _unheard:
        _unheard.append(selector)


def accounts_unheard(event: KillSwitchEvent) -> list[VenueAccount]:
    """Accounts that the stop concerns, or concerned when it ended, and that nobody has come to."""
    if event.rearmed_at is None:
        return [account for selector in _unheard for account in selector(event)]
    heard = event.parts.values("venue_account")
    return list(event.never_heard.select_related("user").exclude(pk__in=heard).order_by("pk"))


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event with the parts that the reader may see, and the accounts of which there is none yet."""

    event: KillSwitchEvent
    parts: list[KillSwitchPart]
    unheard: list[VenueAccount]

    @property
    def is_proven(self) -> bool:
        return bool(self.parts) and not self.unheard and all(part.proven_gone_at for part in self.parts)

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
        if not self.parts and not (self.unheard and self.event.rearmed_at):
            return "No account has answered yet." if self.event.rearmed_at is None else "No account had answered."
        gone = f"{self.orders_open} orders were open"
        if not self.is_proven or self.proven_gone_at is None:
            waiting = [part.venue_account for part in self.parts if part.proven_gone_at is None] + self.unheard
            when = "yet" if self.event.rearmed_at is None else "when it ended"
            return f"{gone}; NOT proven gone {when} at: {', '.join(map(str, waiting))}."
        return f"{gone}, all proven gone after {self._after(self.proven_gone_at)}{self._of_first_cancel()}."

    def _of_first_cancel(self) -> str:
        return f" (first cancel after {self._after(self.first_cancel_at)})" if self.first_cancel_at else ""

    def _after(self, moment: datetime) -> str:
        return f"{(moment - self.event.started_at).total_seconds():.2f} s"


def receipt_of(event: KillSwitchEvent, *, reader: User | None = None) -> Receipt:
    """`reader`: a person sees their own accounts only, an operator (None, or a superuser) all."""
    parts = event.parts.select_related("venue_account", "event")
    unheard = accounts_unheard(event)
    if reader is not None and not reader.is_superuser:
        parts = parts.filter(venue_account__user=reader)
        unheard = [account for account in unheard if account.user_id == reader.pk]
    return Receipt(event, list(parts), unheard)


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
