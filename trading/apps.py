"""Orders, fills, positions, cash and the trader's own state."""

from __future__ import annotations

from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = "trading"

    def ready(self) -> None:
        from core.health import register_probe
        from trading.selectors.status import trader_reading

        register_probe("trader", trader_reading)
