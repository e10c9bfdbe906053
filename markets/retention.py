"""How long the price history of charts is kept: a week after a point was written. Tapes keep everything."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from markets.models import PricePoint

KEEP = timedelta(days=7)
BATCH = 20_000


def price_points_forget_old() -> int:
    """Delete one batch of old points, by id order; the number deleted."""
    old = PricePoint.objects.filter(market__updated_at__lt=clock.now() - KEEP).order_by("id")
    removed, _ = PricePoint.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()
    return removed
