"""People, their venue accounts and the vault of their venue credentials."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "accounts"

    def ready(self) -> None:
        from accounts import trail
        from accounts.key_check import require_usable_key
        from core.embedded.parts import run_starting

        trail.connect()
        run_starting.connect(require_usable_key, dispatch_uid="require_usable_key")
