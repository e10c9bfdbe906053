"""`trading_halted` is fired after the commit of a halt; trading connects "cancel and flatten" to it."""

from __future__ import annotations

from django.dispatch import Signal

trading_halted = Signal()
"""Sent with `halt_uid` and `state`. The row stops orders by itself; this only makes the rest quick."""
