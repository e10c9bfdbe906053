"""Count the fills that were taken back before `voided_u` was kept, and free what ended orders still hold for them."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F, Sum


def count_voided_fills(apps: Any, schema_editor: Any) -> None:
    Order, Fill, Ledger = (apps.get_model("trading", name) for name in ("Order", "Fill", "AccountLedger"))
    failed = Fill.objects.filter(settle_state="failed", order__isnull=False).order_by()
    for row in failed.values("order").annotate(u=Sum("qty_u")):
        order = Order.objects.get(pk=row["order"])
        order.voided_u = row["u"]
        if order.status not in ("claimed", "open"):
            unseen_u = max(0, order.venue_filled_u - order.filled_u - order.voided_u)
            held_u = -(-order.max_cost_u * unseen_u // order.qty_u)
            ledgers = Ledger.objects.filter(venue_account=order.venue_account)
            ledgers.update(reserved_u=F("reserved_u") + held_u - order.reserved_u)
            order.reserved_u = held_u
        order.save()


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_voided_quantity")]

    operations = [migrations.RunPython(count_voided_fills, migrations.RunPython.noop)]
