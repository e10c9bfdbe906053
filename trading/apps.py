"""Orders, fills, positions, cash and the trader's own state."""

from __future__ import annotations

from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = "trading"

    def ready(self) -> None:
        from core.health import register_probe
        from risk.rearm import register_rearm_check, register_rearmed
        from risk.selectors_receipts import register_accounts_unheard
        from risk.signals import trading_halted
        from trading.engine.announcing import announce_halt
        from trading.selectors.status import trader_reading, venue_fields_reading
        from trading.selectors.stops import accounts_unheard, why_not_rearm
        from trading.services.rearmed import marks_begin_anew

        register_probe("trader", trader_reading)
        register_probe("venue_fields", venue_fields_reading)
        trading_halted.connect(announce_halt, dispatch_uid="announce_halt")
        register_rearm_check(why_not_rearm)
        register_rearmed(marks_begin_anew)
        register_accounts_unheard(accounts_unheard)
