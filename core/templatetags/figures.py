"""Template filters over `core.figures`, and the class that colours a gain (its sign is in the text as well)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import template

from core import figures

register = template.Library()

_WRITERS: dict[str, Callable[[Any], str]] = {
    "cents": figures.cents_text,
    "tenths": figures.tenths_text,
    "money": figures.money_text,
    "gain": figures.gain_text,
    "quantity": figures.quantity_text,
    "short_quantity": figures.short_quantity_text,
    "ratio": figures.ratio_text,
    "percent": figures.percent_text,
    "span": figures.span_text,
    "clock_time": figures.time_text,
    "moment": figures.moment_text,
    "day": figures.day_text,
    "start_time": figures.start_text,
}


def _filter_of(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """What a template does not find is the empty text there; it is shown like None."""
    return lambda value: write(None if value == "" else value)


for _name, _write in _WRITERS.items():
    register.filter(_name, _filter_of(_write))


@register.filter
def tone(amount_u: int | None) -> str:
    """The class of a signed amount: 'up', 'down' or nothing."""
    if not amount_u:
        return ""
    return "up" if amount_u > 0 else "down"


@register.filter
def share(value: Decimal) -> str:
    """A share as percent: 0.15 → '15 %'."""
    return f"{(value * 100).normalize():f} %"


@register.filter
def words(code: str) -> str:
    """A code as words: 'market_free' → 'market free'."""
    return str(code).replace("_", " ")


@register.filter
def times(speed: float) -> str:
    """A pace: 10.0 → '×10', 0.5 → '×0.5'."""
    return f"×{speed:g}"
