"""Register people, open venue accounts and keep their credentials. Every change is audited in its own transaction."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts import vault
from accounts.models import CREDENTIAL_OF, Credential, CredentialKind, Mode, User, VenueAccount
from accounts.secret import Secret
from audit.services import audit_append, chain_of_account, chain_of_user
from core import clock
from core.errors import Conflict, Invalid, NotFound
from venues.types import Venue


@transaction.atomic(durable=True)
def user_register(*, email: str, password: str, display_name: str = "") -> User:
    """A new person. Raises Invalid with the reasons, Conflict `email_taken`."""
    email = email.strip().lower()
    try:
        validate_email(email)
        validate_password(password, User(email=email, display_name=display_name))
    except ValidationError as problem:
        raise Invalid("invalid", " ".join(problem.messages)) from problem
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, display_name=display_name)
    except IntegrityError:
        raise Conflict("email_taken") from None
    audit_append(
        chain=chain_of_user(user.uid), actor=email, kind="user.registered", subject_type="user", subject_uid=user.uid
    )
    return user


@transaction.atomic(durable=True)
def venue_account_open(
    *,
    user: User,
    venue: Venue,
    mode: Mode,
    account_key: str,
    label: str = "",
    secrets: dict[str, str] | None = None,
    actor: str,
) -> VenueAccount:
    """Know an account at a venue; the same one twice is the same row. With `secrets`, what it signs in with is kept in
    the same transaction: both or neither. Raises Unavailable where the vault has no usable key."""
    account, is_new = VenueAccount.objects.get_or_create(
        user=user, venue=venue, mode=mode, account_key=account_key, defaults={"label": label}
    )
    if is_new:
        _audit(account, actor, "venue_account.opened", {"venue": venue, "mode": mode, "label": label})
    if secrets is not None:
        _store(account, CREDENTIAL_OF[venue], secrets, public_id=account_key, actor=actor)
    return account


@transaction.atomic(durable=True)
def venue_account_enable(*, account: VenueAccount, is_enabled: bool, actor: str) -> VenueAccount:
    """The account's own switch: off refuses every new order from the next claim on."""
    if VenueAccount.objects.filter(pk=account.pk).exclude(is_enabled=is_enabled).update(is_enabled=is_enabled):
        _audit(account, actor, "venue_account.switched", {"is_enabled": is_enabled})
    account.is_enabled = is_enabled
    return account


@transaction.atomic(durable=True)
def credential_store(
    *, account: VenueAccount, kind: CredentialKind, secrets: dict[str, str], public_id: str, actor: str
) -> Credential:
    """Seal `secrets` and revoke the former credential of the kind. Only the end of `public_id` is kept readable."""
    return _store(account, kind, secrets, public_id=public_id, actor=actor)


def _store(
    account: VenueAccount, kind: CredentialKind, secrets: dict[str, str], *, public_id: str, actor: str
) -> Credential:
    former = Credential.objects.filter(venue_account=account, kind=kind, revoked_at__isnull=True)
    former.update(revoked_at=clock.now())
    credential = Credential(venue_account=account, kind=kind, key_hint=public_id[-4:])
    sealed = vault.seal(Secret(msgspec.json.encode(secrets)), _binding(account, credential))
    credential.version, credential.kek_id = sealed.version, sealed.kek_id
    credential.wrapped_key, credential.ciphertext = sealed.wrapped_key, sealed.ciphertext
    credential.save()
    _audit(account, actor, "credential.stored", {"kind": kind, "hint": credential.key_hint})
    return credential


@transaction.atomic(durable=True)
def credential_open(*, account: VenueAccount, kind: CredentialKind, purpose: str, actor: str) -> dict[str, Secret]:
    """Decrypt for the trader or the guard; the use is audited. Raises NotFound, Unavailable."""
    credential = Credential.objects.filter(venue_account=account, kind=kind, revoked_at__isnull=True).first()
    if credential is None:
        raise NotFound("not_found", f"{account} has no active {kind}.")
    envelope = vault.Envelope(
        credential.kek_id, bytes(credential.wrapped_key), bytes(credential.ciphertext), credential.version
    )
    plain = vault.unseal(envelope, _binding(account, credential))
    _audit(account, actor, "credential.used", {"kind": kind, "purpose": purpose})
    values = msgspec.json.decode(plain.reveal(), type=dict[str, str])
    return {name: Secret(value.encode()) for name, value in values.items()}


def _binding(account: VenueAccount, credential: Credential) -> vault.Binding:
    return vault.Binding(
        user_uid=str(account.user.uid),
        venue=account.venue,
        credential_uid=str(credential.uid),
        purpose=credential.kind,
    )


def _audit(account: VenueAccount, actor: str, kind: str, payload: dict[str, Any]) -> None:
    audit_append(
        chain=chain_of_account(account.uid),
        actor=actor,
        kind=kind,
        subject_type="venue_account",
        subject_uid=account.uid,
        payload=payload,
    )
