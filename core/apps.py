"""Glue: base models, the API envelope, system checks."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "core"

    def ready(self) -> None:
        from core.checks import register_checks

        register_checks()
