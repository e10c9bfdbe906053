"""Who came in, who was refused and who left: audited on the chain of the user it concerns.

Django tells of every way in (pages, API, back office) by the same signals, so no door is forgotten. Only sign-ins to an
account that exists are written, and a lock is written once while nothing else happens: guesses at names and at a
locked door are counted by axes, and shall not fill a chain that is kept for ever.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import has_second_factor, user_by_email
from audit.selectors import last_entry
from audit.services import audit_append, chain_of_user
from core import clock

LOCKED = "locked_out"


def connect() -> None:
    """Once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="trail")
    user_login_failed.connect(_refused, dispatch_uid="trail")
    user_logged_out.connect(_signed_out, dispatch_uid="trail")
    post_save.connect(_factor_saved, sender=Authenticator, dispatch_uid="trail")
    post_delete.connect(_factor_removed, sender=Authenticator, dispatch_uid="trail")


def sign_in_refused(user: User, *, reason: str, request: HttpRequest | None) -> None:
    """The right password, and yet not in: `reason` is an error code."""
    _note(user, "user.sign_in_refused", reason=reason, address=_address(request))


def signed_out(user: User) -> None:
    """Where a session ends without Django's logout: the API's tokens."""
    _note(user, "user.signed_out")


def _signed_in(*, user: User, request: HttpRequest, **_: Any) -> None:
    _note(user, "user.signed_in", address=_address(request), second_factor=has_second_factor(user))


def _refused(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    name = credentials.get("username") or credentials.get("email") or ""
    if user := user_by_email(str(name)):
        if not getattr(request, "axes_locked_out", False):
            sign_in_refused(user, reason="bad_credentials", request=request)
        elif not _is_lock_told(user):
            sign_in_refused(user, reason=LOCKED, request=request)


def _is_lock_told(user: User) -> bool:
    """It is the last that was written of them, and no longer ago than a lock lasts."""
    last = last_entry(chain_of_user(user.uid))
    return last is not None and last.created_at > clock.now() - settings.AXES_COOLOFF_TIME and LOCKED in last.payload


def _signed_out(*, user: User | None, **_: Any) -> None:
    if user is not None:
        signed_out(user)


def _factor_saved(*, instance: Authenticator, created: bool, **_: Any) -> None:
    """A recovery code that was used up is a change of its row."""
    if created:
        _note(instance.user, "user.second_factor_added", type=instance.type)
    elif instance.type == Authenticator.Type.RECOVERY_CODES:
        _note(instance.user, "user.recovery_code_used")


def _factor_removed(*, instance: Authenticator, **_: Any) -> None:
    _note(instance.user, "user.second_factor_removed", type=instance.type)


def _note(user: Any, kind: str, **payload: Any) -> None:
    with transaction.atomic():
        audit_append(
            chain=chain_of_user(user.uid),
            actor=user.email,
            kind=kind,
            subject_type="user",
            subject_uid=user.uid,
            payload=payload,
        )


def _address(request: HttpRequest | None) -> str:
    """The client's, as the lock counts it (CLIENT_IP_HEADERS says whose word is believed)."""
    return str(get_client_ip_address(request) or "") if request is not None else ""
