"""Celery's part: keep the price history small."""

from __future__ import annotations

from celery import shared_task

from markets import retention


@shared_task(name="markets.tasks.thin_price_points")
def thin_price_points() -> int:
    """The number of points forgotten."""
    return retention.price_points_forget_old()
