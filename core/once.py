"""A form carries a key of its own, so that a double click or a resent POST is one command.

The services behind the forms are safe to repeat; this keeps the second one from being told as a second act.
"""

from __future__ import annotations

from uuid import uuid4

from django.core.cache import cache
from django.http import HttpRequest

FIELD = "idempotency_key"
KEEP_S = 86_400


def new_key() -> str:
    return uuid4().hex


def is_first(request: HttpRequest) -> bool:
    """False when this user's form with this key was taken before. A form without a key is always a first one."""
    key = request.POST.get(FIELD, "")[:64]
    return not key or cache.add(f"once:{request.user.pk}:{key}", True, KEEP_S)
