"""Many claims at once never pass a limit together. Needs row locks: SQLite lets one writer in at a time anyway."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from core.errors import Conflict, LimitBreached
from tests.builders import USD, a_market, an_account, an_epoch, an_intent
from trading.models import AccountLedger, Order
from trading.services.claims import order_claim
from trading.services.refold import account_differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def needs_row_locks():
    if connection.vendor == "sqlite":
        pytest.skip("an in-memory SQLite database has one connection; run with DATABASE_URL=postgres://…")


def at_once(work, count: int) -> list[object]:
    def one(number: int) -> object:
        try:
            return work(number)
        except (LimitBreached, Conflict) as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(one, range(count)))


def test_claims_at_once_never_reserve_more_cash_than_there_is():
    account, market = an_account(cash_u=42 * USD), a_market()
    epoch = an_epoch(account)
    at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market)), 64)
    assert Order.objects.filter(status="claimed").count() == 10
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 42 * USD
    assert account_differences(account) == []


def test_one_decision_claimed_by_many_at_once_has_one_order():
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market, decision_id="d")
    outcomes = at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=intent), 32)
    assert sum(isinstance(one, Order) for one in outcomes) == 1
    assert {one for one in outcomes if not isinstance(one, Order)} == {"duplicate_decision"}
