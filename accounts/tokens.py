"""Sign in for the API: password, then the second factor where the user has one, then a pair of tokens.

A password alone never gives tokens to a user with MFA. Each pair belongs to a session of its own, which no cookie
carries; ending it ends both tokens at once. Refresh tokens are good for one use.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts import trail
from accounts.models import User
from core.errors import NotAuthenticated


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def sign_in(request: HttpRequest, *, email: str, password: str, code: str = "") -> TokenPair:
    """Raises NotAuthenticated: `bad_credentials`, `mfa_required`, `locked_out`."""
    return _issue(request, check_sign_in(request, email=email, password=password, code=code))


def check_sign_in(request: HttpRequest, *, email: str, password: str, code: str = "") -> User:
    """Who this is, proven by all factors the user has; pages and the API ask the same. Raises as `sign_in` does."""
    user = authenticate(request, username=email.strip().lower(), password=password)
    if getattr(request, "axes_locked_out", False):
        raise NotAuthenticated("locked_out")
    if not isinstance(user, User):
        raise NotAuthenticated("bad_credentials")
    if is_mfa_enabled(user) and not _second_factor_holds(user, code):
        trail.sign_in_refused(user, reason="mfa_required", request=request)
        raise NotAuthenticated("mfa_required")
    return user


def renew(refresh: str) -> TokenPair:
    """A new pair for a refresh token, which is used up. Raises NotAuthenticated `bad_token`."""
    pair = JWTTokenStrategy().refresh_token(refresh)
    if pair is None:
        raise NotAuthenticated("bad_token")
    return TokenPair(*pair)


def sign_out(request: HttpRequest) -> None:
    """End the session behind the request's access token: it and its refresh token are worth nothing from now on."""
    strategy = JWTTokenStrategy()
    key = strategy.get_session_token(request)
    session = strategy.lookup_session(key) if key else None
    if session is not None:
        session.flush()
        if isinstance(request.user, User):
            trail.signed_out(request.user)


def _issue(request: HttpRequest, user: User) -> TokenPair:
    """Tokens are minted on a request of their own, so that the caller gets no session cookie beside them."""
    carrier = HttpRequest()
    kept = {"REMOTE_ADDR", "HTTP_USER_AGENT", *settings.AXES_IPWARE_META_PRECEDENCE_ORDER}
    carrier.META = {name: value for name, value in request.META.items() if name in kept}
    carrier.user = AnonymousUser()
    carrier.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(carrier, user, backend="django.contrib.auth.backends.ModelBackend")
    carrier.session.save()
    payload = JWTTokenStrategy().create_access_token_payload(carrier)
    if payload is None:
        raise NotAuthenticated("bad_credentials")
    carrier.session.save()
    return TokenPair(payload["access_token"], payload["refresh_token"])


def _second_factor_holds(user: User, code: str) -> bool:
    """A current TOTP code, or an unused recovery code (which is then used up)."""
    if not code:
        return False
    for row in Authenticator.objects.filter(user=user):
        if row.type == Authenticator.Type.TOTP and TOTP(row).validate_code(code):
            return True
        if row.type == Authenticator.Type.RECOVERY_CODES and RecoveryCodes(row).validate_code(code):
            return True
    return False
