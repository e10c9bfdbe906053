"""System checks of the deployment (`manage.py check`), each with an id and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


def register_checks() -> None:
    register(check_live_trading, Tags.security)
    register(check_database, Tags.database)


def check_live_trading(app_configs: Sequence[Any] | None, **_options: Any) -> list[CheckMessage]:
    """Live money needs the deployment's own yes, production settings and a server database."""
    if settings.TRADING_MODE != "live":
        return []
    found: list[CheckMessage] = []
    if not settings.LIVE_TRADING_ALLOWED:
        hint = "Set LIVE_TRADING_ALLOWED=1 after reading docs/operations.md."
        found.append(Error("TRADING_MODE is live but this deployment does not allow it.", hint=hint, id="core.E001"))
    if not settings.IS_PRODUCTION:
        hint = "Set COURTSIDE_ENV=production."
        found.append(Error("Live trading outside the production environment.", hint=hint, id="core.E002"))
    return found


def check_database(app_configs: Sequence[Any] | None, **_options: Any) -> list[CheckMessage]:
    """SQLite keeps every invariant but allows one writer at a time."""
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if is_sqlite and settings.TRADING_MODE == "live":
        hint = "Point DATABASE_URL at PostgreSQL."
        return [Warning("Live trading on SQLite.", hint=hint, id="core.W001")]
    return []
