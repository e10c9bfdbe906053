"""Reconciliation for people: the page, the API and the back office decide through the same services, with a reason."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, VenueAccount
from tests.builders import NOON_MS, ONE, a_market, a_user, an_account
from trading.domain.reconciling import DifferenceKind
from trading.models import Finding, Order, OrphanedOrder, ReconciliationRun
from trading.services.orders import order_apply_report
from venues.types import OrderReport, OrderState, Outcome, Side, Venue

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def account() -> VenueAccount:
    account = an_account()
    for name in ("cs1-lost", "by-hand"):
        report = OrderReport(
            venue=Venue.KALSHI, account=account.account_key, venue_order_id=f"v-{name}", client_order_id=name,
            market_id=a_market().market_id, state=OrderState.RESTING, filled_u=0, remaining_u=ONE, venue_ms=NOON_MS,
            side=Side.BUY, outcome=Outcome.YES, price_u=400_000, qty_u=ONE,
        )  # fmt: skip
        order_apply_report(venue_account=account, report=report)
    Finding.objects.create(
        venue_account=account, kind=DifferenceKind.CASH, key="cash:+1", text="One micro-dollar more."
    )
    return account


def test_the_page_names_what_waits_what_differs_and_what_is_only_counted(account):
    text = signed_in(account.user).get(reverse("reconciliation")).content.decode()
    for expected in ("cs1-lost", "One micro-dollar more.", "never managed", "not clean", "No comparison yet"):
        assert expected in text, expected


@pytest.mark.parametrize("way", ["page", "api", "admin"])
@pytest.mark.parametrize(("action", "state"), [("adopt", "adopted"), ("close", "closing"), ("false_positive",) * 2])
def test_every_way_to_decide_asks_for_a_reason_and_keeps_it(account, way, action, state):
    orphan = OrphanedOrder.objects.get()
    for reason in ("", "the backup was an hour old"):
        decide(way, account.user, orphan, action, reason)
        orphan.refresh_from_db()
        assert (orphan.state, orphan.reason) == ((state, reason) if reason else ("open", ""))
    assert orphan.resolved_by and ReconciliationRun.objects.filter(outcome="asked").count() == 1
    assert Order.objects.filter(client_order_id="cs1-lost", is_external=False).exists() == (action == "adopt")


def decide(way: str, owner: User, orphan: OrphanedOrder, action: str, reason: str) -> None:
    if way == "page":
        answer = signed_in(owner).post(
            reverse("reconciliation-orphan", args=[orphan.uid]), {"action": action, "reason": reason}
        )
        assert answer.status_code == (302 if reason else 400)
    elif way == "api":
        body = {"action": action, "reason": reason}
        url = reverse("api-orphan-resolve", args=[orphan.uid])
        answer = signed_in(owner).post(url, body, content_type="application/json")
        assert answer.status_code == (200 if reason else 400)
    else:
        names = {"adopt": "adopt", "close": "close_at_venue", "false_positive": "mark_false_positive"}
        operator = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("op@example.org")
        body = {"action": names[action], "_selected_action": [orphan.pk], "reason": reason}
        signed_in(operator).post(reverse("admin:trading_orphanedorder_changelist"), body)


@pytest.mark.parametrize("way", ["page", "api", "admin"])
def test_a_difference_is_explained_with_a_reason(account, way):
    finding = Finding.objects.get()
    for reason in ("", "paid in by hand"):
        body = {"reason": reason}
        if way == "page":
            signed_in(account.user).post(reverse("reconciliation-finding", args=[finding.uid]), body)
        elif way == "api":
            url = reverse("api-finding-dismiss", args=[finding.uid])
            signed_in(account.user).post(url, body, content_type="application/json")
        else:
            operator = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("op@example.org")
            chosen = {**body, "action": "dismiss", "_selected_action": [finding.pk]}
            signed_in(operator).post(reverse("admin:trading_finding_changelist"), chosen)
        finding.refresh_from_db()
        assert (finding.state, finding.reason) == (("dismissed", reason) if reason else ("open", ""))


def test_another_users_finding_is_absent_and_an_operators_view_is_whole(account):
    stranger, operator = a_user("bob@example.org"), User.objects.create_superuser("op@example.org")
    orphan, finding = OrphanedOrder.objects.get(), Finding.objects.get()
    for client, count, status in ((signed_in(stranger), 0, 404), (signed_in(operator), 1, 200)):
        for name in ("api-orphans", "api-findings"):
            assert client.get(reverse(name)).json()["count"] == count
        body = {"reason": "looked at it"}
        url = reverse("api-finding-dismiss", args=[finding.uid])
        assert client.post(url, body, content_type="application/json").status_code == status
        body["action"] = "false_positive"
        url = reverse("api-orphan-resolve", args=[orphan.uid])
        assert client.post(url, body, content_type="application/json").status_code == status


def test_a_comparison_is_asked_for_and_seen_in_the_list(account):
    client = signed_in(account.user)
    answer = client.post(reverse("api-reconcile"), {}, content_type="application/json")
    assert (answer.status_code, [one["outcome"] for one in answer.json()]) == (202, ["asked"])
    client.post(reverse("reconciliation-ask"))
    listed = client.get(reverse("api-reconciliations")).json()["results"]
    assert [one["account"] for one in listed] == [str(account.uid)]
    nobodys = {"account": str(a_user("bob@example.org").uid)}
    assert client.post(reverse("api-reconcile"), nobodys, content_type="application/json").status_code == 404
