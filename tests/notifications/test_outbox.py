"""The outbox: written with the fact, delivered at least once, in order, once per key."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.models import VenueAccount
from markets.models import Market
from notifications.models import Alert, AlertLevel, OutboxMessage
from notifications.services import alert_mark_seen, alert_raise, outbox_put, outbox_relay
from notifications.tasks import relay_outbox
from tests.builders import a_user
from trading.domain.alerts import settlement_differs
from venues.types import SettlementReport, Venue

pytestmark = pytest.mark.django_db


def put(key: str) -> None:
    outbox_put(topic="t", group="user.1", dedupe_key=key, payload={"key": key})


def test_a_message_is_delivered_and_not_again():
    put("a")
    assert (outbox_relay(), outbox_relay()) == (1, 0)
    assert OutboxMessage.objects.get().delivered_at is not None


def test_the_same_key_is_the_same_message():
    put("a")
    put("a")
    assert OutboxMessage.objects.count() == 1


def test_a_message_goes_with_the_transaction_it_belongs_to():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        put("a")
        1 / 0  # noqa: B018
    assert not OutboxMessage.objects.exists()


def test_the_task_relays_everything_that_waits():
    for number in range(250):
        put(str(number))
    assert relay_outbox() == 250


def test_an_alert_is_raised_once_per_key_and_relayed():
    user = a_user()
    first, second = (
        alert_raise(user=user, level=AlertLevel.ERROR, code="c", title="T", dedupe_key="k") for _ in range(2)
    )
    assert first is not None and second is None
    assert OutboxMessage.objects.get().group == f"user.{user.uid}"
    alert_mark_seen(alert=first, actor="ann@example.org")
    assert Alert.objects.get().seen_at is not None


def test_an_alert_about_the_longest_names_there_are_fits_its_columns():
    """SQLite keeps any length; PostgreSQL refuses what does not fit, and with it all that waits behind."""
    report = SettlementReport(
        venue=Venue.POLYMARKET,
        account="k" * VenueAccount._meta.get_field("account_key").max_length,
        market_id="m" * Market._meta.get_field("market_id").max_length,
        value_u=0,
        yes_qty_u=0,
        no_qty_u=0,
        payout_u=0,
        venue_ms=0,
    )
    told = settlement_differs(report, (0, 0))
    alert = alert_raise(
        user=a_user(), level=AlertLevel(told.level), code=told.code, title=told.title, body=told.body,
        subject_type=told.subject_type, subject_uid=told.subject_id, dedupe_key=told.dedupe_key,
    )  # fmt: skip
    message = OutboxMessage.objects.get()
    assert alert.dedupe_key == told.dedupe_key and message.dedupe_key.endswith(told.dedupe_key)
    alert.clean_fields(exclude={"extra"})
    message.clean_fields()
