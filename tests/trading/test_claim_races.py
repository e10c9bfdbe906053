"""Many claims at once never pass a limit together. Needs row locks: SQLite lets one writer in at a time anyway."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.db.models import Sum

from core.errors import Conflict, LimitBreached
from risk.models import AccountLimits
from tests.builders import USD, a_market, an_account, an_epoch, an_intent
from trading.models import AccountLedger, Order
from trading.services.claims import order_claim
from trading.services.refold import account_differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def needs_row_locks():
    if connection.vendor == "sqlite":
        pytest.skip("an in-memory SQLite database has one connection; run with DATABASE_URL=postgres://…")


def at_once(work, count: int, *, workers: int = 16) -> list[object]:
    def one(number: int) -> object:
        try:
            return work(number)
        except (LimitBreached, Conflict) as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(one, range(count)))


def test_claims_at_once_never_reserve_more_cash_than_there_is():
    account, market = an_account(cash_u=42 * USD), a_market()
    epoch = an_epoch(account)
    at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market)), 64)
    assert Order.objects.filter(status="claimed").count() == 10
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 42 * USD
    assert account_differences(account) == []


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("max_exposure_usd_u", "max_exposure_usd"),
        ("max_game_usd_u", "max_game_usd"),
        ("max_position_usd_u", "max_position_usd"),
    ],
)
def test_sixty_four_claims_at_the_same_moment_never_pass_a_limit_together(limit: str, code: str):
    """Each its own connection, all let go at once; the limit is what ten of them take (S-24, PT-10, PT-11)."""
    account, market = an_account(), a_market()
    AccountLimits.objects.filter(venue_account=account).update(**{limit: 42 * USD})
    epoch, start = an_epoch(account), threading.Barrier(64)

    def claim(_: int) -> Order:
        connection.ensure_connection()
        start.wait(30)
        return order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market))

    outcomes = at_once(claim, 64, workers=64)
    assert sum(isinstance(one, Order) for one in outcomes) == 10
    assert {one for one in outcomes if not isinstance(one, Order)} == {code}
    taken_u = Order.objects.filter(status="claimed").aggregate(u=Sum("reserved_u"))["u"]
    assert (taken_u, AccountLedger.objects.get(venue_account=account).reserved_u) == (42 * USD, 42 * USD)
    assert account_differences(account) == []


def test_one_decision_claimed_by_many_at_once_has_one_order():
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market, decision_id="d")
    outcomes = at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=intent), 32)
    assert sum(isinstance(one, Order) for one in outcomes) == 1
    assert {one for one in outcomes if not isinstance(one, Order)} == {"duplicate_decision"}
