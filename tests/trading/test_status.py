"""The status card tells what is true: the day of the venues, and whether a stopped trader still has orders out."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import VenueAccount
from core import clock
from tests.builders import NOON_MS, USD, a_claimed_order, a_fill, a_market, an_account
from trading.models import TraderStatus
from trading.selectors.status import bot_status
from trading.services.fills import fill_book
from trading.services.orders import order_mark_not_sent
from trading.services.trader import trader_heartbeat, trader_start, trader_stop
from venues.types import Side

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> VenueAccount:
    account = an_account()
    trader_start(user=account.user, actor="ann")
    return account


def lose_three_dollars(account: VenueAccount) -> None:
    market = a_market()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, venue_ms=NOON_MS))
    sale = a_fill(account, market, fee_u=0, side=Side.SELL, price_u=100_000, venue_ms=NOON_MS + 1)
    fill_book(venue_account=account, report=sale)


def test_today_is_the_venues_day_as_the_trader_tells_it(account):
    lose_three_dollars(account)
    for told_ms, realized_u in ((NOON_MS, -3 * USD), (NOON_MS + 86_400_000, 0)):
        trader_heartbeat(user=account.user, status=TraderStatus.RUNNING, stats={"venue_now_ms": told_ms})
        assert bot_status(account.user).realized_today_u == realized_u


def test_without_the_venues_clock_today_is_ours(account):
    lose_three_dollars(account)
    assert bot_status(account.user).realized_today_u == 0
    market = a_market("LATER")
    now_ms = clock.now_ms()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=USD, venue_ms=now_ms))
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, side=Side.SELL, venue_ms=now_ms))
    assert bot_status(account.user).realized_today_u == -USD


@pytest.mark.parametrize("told", [TraderStatus.RUNNING, TraderStatus.PAUSED])
def test_a_trader_asked_to_stop_is_stopping_while_its_orders_work_and_then_stopped(account, told):
    order = a_claimed_order(account, a_market())
    trader_heartbeat(user=account.user, status=told)
    assert bot_status(account.user).status == told
    trader_stop(user=account.user, actor="ann")
    trader_heartbeat(user=account.user, status=told)
    assert bot_status(account.user).status == "stopping"
    order_mark_not_sent(order=order, code="drill")
    assert bot_status(account.user).status == "stopped"


def test_a_trader_that_failed_stays_failed_whatever_is_wished(account):
    trader_heartbeat(user=account.user, status=TraderStatus.FAILED, detail="no network")
    trader_stop(user=account.user, actor="ann")
    assert bot_status(account.user).status == "failed"


def test_a_pause_is_no_new_start(account):
    for told in (TraderStatus.RUNNING, TraderStatus.PAUSED):
        trader_heartbeat(user=account.user, status=told)
    began = bot_status(account.user).started_at
    assert began is not None
    assert trader_heartbeat(user=account.user, status=TraderStatus.RUNNING).started_at == began


@pytest.mark.parametrize(
    ("told", "wished", "words"),
    [
        (TraderStatus.RUNNING, trader_start, "Trading simulated since"),
        (TraderStatus.PAUSED, trader_start, "nothing new is sent while trading is"),
        (TraderStatus.STARTING, trader_start, "Asked to run; starting."),
        (TraderStatus.RUNNING, trader_stop, "Asked to stop; orders of its own still work."),
    ],
)
def test_the_dashboard_says_how_the_trader_is(account, client, told, wished, words):
    a_claimed_order(account, a_market())
    wished(user=account.user, actor="ann")
    trader_heartbeat(user=account.user, status=told)
    client.force_login(account.user)
    assert words in client.get(reverse("dashboard")).content.decode()


def test_health_tells_how_many_fields_of_each_venue_nobody_knows(account, client):
    def told() -> str:
        parts = client.get(reverse("health")).json()["subsystems"]
        (detail,) = [part["detail"] for part in parts if part["name"] == "venue_fields" and part["is_well"]]
        return detail

    assert told() == "unknown: none"
    met = {
        "polymarket": {"names": 1, "times": 1, "latest": "GammaMarket.mood"},
        "kalshi": {"names": 2, "times": 17, "latest": "WireMarket.brand_new"},
    }
    trader_heartbeat(user=account.user, status=TraderStatus.RUNNING, stats={"unknown_fields": met})
    assert told() == (
        "unknown: kalshi 2 (17 times, latest WireMarket.brand_new); polymarket 1 (1 times, latest GammaMarket.mood)"
    )
