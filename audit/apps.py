"""The audit trail: hash chains that the database itself refuses to change."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "audit trail"

    def ready(self) -> None:
        from audit import checks, triggers

        # SQLite rebuilds a table on ALTER and silently drops its triggers, so they are made again after every migrate.
        post_migrate.connect(triggers.install_after_migrate, sender=self)
        checks.register_checks()
