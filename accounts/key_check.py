"""Before a run starts: the vault's key has its form and opens what is stored, or the run says what to do.

Without this look a wrong key would be found by the trader, again and again, and only after it had opened accounts at
the venues whose credentials it then could not keep.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from accounts import vault
from accounts.models import Credential
from accounts.selectors import has_credentials_of_another_key
from core.embedded.parts import RunRefused
from core.embedded.setup import start_over
from core.errors import Unavailable

NEW_KEY = "python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"


def require_usable_key(*, is_reset: bool, has_database: bool, **_signal: Any) -> None:
    """Receiver of `run_starting`. Raises RunRefused; writes nothing."""
    if is_reset and not settings.CREDENTIALS_KEY:
        return  # the file goes with all the rest
    try:
        kek_id = vault.known_kek_id()
    except Unavailable as problem:
        raise RunRefused(f"{problem.message} {_how_to_mend()}") from problem
    if has_database and _has_credentials() and has_credentials_of_another_key(kek_id):
        raise RunRefused(f"{_what_is_wrong(kek_id)} Put the former key back, or {start_over()}")


def _what_is_wrong(kek_id: str | None) -> str:
    if kek_id is None:
        return f"The stored venue credentials cannot be opened: {Path(settings.CREDENTIALS_KEY_FILE).name} is gone."
    return f"{vault.name_of_key()} does not open the stored venue credentials: they were encrypted under another one."


def _how_to_mend() -> str:
    if settings.CREDENTIALS_KEY:
        return f"Make one with: {NEW_KEY} or unset it: the run then makes a key of its own in its folder."
    return f"Put the former file back, or {start_over()}"


def _has_credentials() -> bool:
    """The table is there: a database of an earlier version is migrated only after this look."""
    return Credential._meta.db_table in connection.introspection.table_names()
