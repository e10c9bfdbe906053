"""Glue: base models, the API envelope, system checks."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "core"

    def ready(self) -> None:
        from django.conf import settings

        from core.checks import register_checks
        from core.kill_points import install_from_environment

        register_checks()
        install_from_environment(mode=settings.TRADING_MODE)
