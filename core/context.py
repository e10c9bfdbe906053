"""What every template may use."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def trading_mode(_request: HttpRequest) -> dict[str, str]:
    """`trading_mode` is shown loud on every page."""
    return {"trading_mode": settings.TRADING_MODE}
