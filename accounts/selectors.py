"""Users and their venue accounts, as the trader reads them."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled

from accounts.models import Mode, User, VenueAccount


def accounts_of(user: User, *, mode: Mode | str) -> list[VenueAccount]:
    """The enabled accounts of one mode, oldest first."""
    rows = VenueAccount.objects.select_related("user").filter(user=user, mode=mode, is_enabled=True)
    return list(rows.order_by("id"))


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower()).first()


def has_second_factor(user: User) -> bool:
    """A code is asked of this person at login."""
    return bool(is_mfa_enabled(user))
