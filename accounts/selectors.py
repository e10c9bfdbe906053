"""Users and their venue accounts, as the trader reads them."""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled

from accounts.models import Credential, CredentialKind, Mode, User, VenueAccount


def accounts_of(user: User, *, mode: Mode | str) -> list[VenueAccount]:
    """The enabled accounts of one mode, oldest first."""
    rows = VenueAccount.objects.select_related("user").filter(user=user, mode=mode, is_enabled=True)
    return list(rows.order_by("id"))


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower()).first()


def credential_in_use(account: VenueAccount, kind: CredentialKind) -> UUID | None:
    """Which credential of the kind the account signs in with now; None without one. It changes with every rotation."""
    rows = Credential.objects.filter(venue_account=account, kind=kind, revoked_at__isnull=True)
    return rows.values_list("uid", flat=True).first()


def credentials_in_use(user: User, *, mode: str) -> frozenset[UUID]:
    """Every credential that this person's accounts of the mode sign in with now."""
    rows = Credential.objects.filter(venue_account__in=accounts_of(user, mode=mode), revoked_at__isnull=True)
    return frozenset(rows.values_list("uid", flat=True))


def has_credentials_of_another_key(kek_id: str | None) -> bool:
    """An account in use has a credential that the key of this id does not open; None opens none."""
    in_use = Credential.objects.filter(revoked_at__isnull=True, venue_account__is_enabled=True)
    return (in_use if kek_id is None else in_use.exclude(kek_id=kek_id)).exists()


def has_second_factor(user: User) -> bool:
    """A code is asked of this person at login."""
    return bool(is_mfa_enabled(user))
