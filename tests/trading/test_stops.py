"""What a stop is proven by: every account that it concerns, not only those that somebody came to."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import VenueAccount
from audit.models import AuditEntry
from core import clock
from core.errors import Conflict
from markets.models import Game, Market
from risk.models import HaltScope, HaltState, KillSwitchEvent, TradingHalt
from risk.selectors_receipts import receipt_of
from risk.services import halt_resume, halt_set
from tests.builders import a_claimed_order, a_market, a_user, an_account, an_epoch
from trading.models import AccountLedger, Order, OrderStatus, ReconciliationRun, RunTrigger
from trading.selectors.cancel_contexts import cancel_contexts
from trading.selectors.stops import accounts_in, unproven_stops
from trading.services.orders import orders_cancel_requested
from trading.services.reconciliation import reconciliation_begin, reconciliation_end
from trading.services.stopping import account_stop_begin, account_stop_note
from venues.types import GameStatus

pytestmark = pytest.mark.django_db


def a_halt(state: HaltState = HaltState.HALTED) -> TradingHalt:
    return halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=state, code="manual", reason="drill", actor="op@example.org"
    )


def prove(event: KillSwitchEvent, account: VenueAccount) -> None:
    part = account_stop_begin(event=event, venue_account=account)
    account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="trader")


def an_open_order(account: VenueAccount) -> Order:
    order = a_claimed_order(account, a_market())
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.OPEN, venue_order_id=f"v{order.pk}")
    return order


def late_stops() -> list[KillSwitchEvent]:
    return unproven_stops(older_than=timedelta(0), now=clock.now())


@pytest.mark.parametrize("second", ["an open order", "a trader has been there"])
def test_an_account_that_nobody_came_to_is_not_proven_whatever_the_others_are(second: str):
    heard, unheard = an_account(), an_account(a_user("eve@example.org"))
    if second == "an open order":
        an_open_order(unheard)
    else:
        an_epoch(unheard)
    event = a_halt().events.get()
    prove(event, heard)
    told = receipt_of(event)
    assert not told.is_proven and not told.is_over
    assert f"NOT proven gone yet at: {unheard}." in told.sentence
    assert late_stops() == [event]
    with pytest.raises(SystemExit):
        call_command("halt", "--reason", "drill", "--wait", "0")
    assert receipt_of(event, reader=heard.user).is_proven, "what concerns another is no business of this reader"
    event = KillSwitchEvent.objects.get(rearmed_at=None)
    for account in (heard, unheard):
        prove(event, account)
    assert receipt_of(event).is_over and late_stops() == []


def test_an_account_where_nothing_of_ours_ever_was_keeps_no_stop_open():
    heard = an_account()
    an_account(a_user("eve@example.org"))
    event = a_halt().events.get()
    prove(event, heard)
    assert receipt_of(event).is_over and late_stops() == []


@pytest.mark.parametrize("scope", [HaltScope.MARKET, HaltScope.ACCOUNT])
def test_a_stop_goes_on_where_it_has_begun_though_its_last_order_is_over_in_our_books(scope: HaltScope):
    account = an_account()
    order = an_open_order(account)
    if scope == HaltScope.ACCOUNT:
        VenueAccount.objects.update(is_enabled=False)
    key = order.market.market_id if scope == HaltScope.MARKET else str(account.uid)
    halt = halt_set(scope=scope, scope_key=key, state=HaltState.HALTED, code="manual", reason="drill", actor="ann")
    account_stop_begin(event=halt.events.get(), venue_account=account)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CANCELED)
    event = KillSwitchEvent.objects.get()
    assert accounts_in(event) == [account]
    prove(event, account)
    assert receipt_of(event).is_over and late_stops() == []


def test_a_stop_that_has_ended_waits_for_nobody():
    heard, later = an_account(), an_account(a_user("eve@example.org"))
    halt = a_halt(HaltState.PAUSED)
    event = halt.events.get()
    prove(event, heard)
    halt_resume(halt=halt, reason="the cause is gone", actor="trigger")
    an_epoch(later)
    assert receipt_of(KillSwitchEvent.objects.get()).is_over


@pytest.mark.parametrize("end", ["lifted", "set anew"])
def test_a_stop_that_has_ended_still_says_which_accounts_it_waited_for(end: str, client: Client):
    heard, unheard = an_account(), an_account(a_user("eve@example.org"))
    halt = a_halt(HaltState.PAUSED)
    event = halt.events.get()
    prove(event, heard)
    an_epoch(unheard)
    if end == "lifted":
        halt_resume(halt=halt, reason="the cause is gone", actor="trigger")
    else:
        a_halt(HaltState.HALTED)
    an_epoch(an_account(a_user("later@example.org")))
    event.refresh_from_db()
    told = receipt_of(event)
    assert (told.unheard, told.is_proven) == ([unheard], False)
    assert f"NOT proven gone when it ended at: {unheard}." in told.sentence
    client.force_login(unheard.user, backend="django.contrib.auth.backends.ModelBackend")
    shown = client.get(f"/risk/stops/{event.uid}/").content.decode()
    assert "Nobody had come to these accounts when it ended" in shown
    api = APIClient()
    api.force_authenticate(unheard.user)
    assert api.get(f"/api/stops/{event.uid}").json()["unheard"] == [
        {"account": str(unheard.uid), "name": str(unheard), "venue": unheard.venue}
    ]
    assert receipt_of(event, reader=heard.user).unheard == [], "another person's account is no business of theirs"


def refusal_of(halt: TradingHalt) -> str:
    with pytest.raises(Conflict) as refusal:
        halt_resume(halt=halt, reason="I looked", actor="ann")
    assert refusal.value.code == "not_clean"
    return refusal.value.message


def compare(account: VenueAccount, *, began_at: datetime) -> None:
    run = reconciliation_begin(venue_account=account, trigger=RunTrigger.CLI)
    reconciliation_end(run=run, differences=[], evidence={})
    ReconciliationRun.objects.filter(pk=run.pk).update(began_at=began_at)


def test_a_comparison_that_began_before_the_halt_says_nothing_about_what_came_after():
    account = an_account()
    order = an_open_order(account)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CANCELED)
    halt = a_halt()
    prove(halt.events.get(), account)
    compare(account, began_at=halt.changed_at - timedelta(microseconds=1))
    assert "was not compared since" in refusal_of(halt)
    compare(account, began_at=halt.changed_at)
    assert halt_resume(halt=halt, reason="I looked", actor="ann").state == HaltState.ACTIVE


def test_an_order_that_rests_where_nobody_came_to_keeps_the_halt():
    account = an_account()
    an_open_order(account)
    halt = a_halt()
    compare(account, began_at=clock.now())
    assert refusal_of(halt) == f"The orders of {account} are not proven gone."
    prove(halt.events.get(), account)
    assert halt_resume(halt=halt, reason="I looked", actor="ann").state == HaltState.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_a_cancel_that_no_session_asked_for_says_what_the_rows_know(django_assert_num_queries: Any):
    account = an_account()
    resting, other = an_open_order(account), an_open_order(account)
    game = Game.objects.create(
        game_id="espn:1", league="nba", sport="basketball", status=GameStatus.IN_PROGRESS, home_score=71, away_score=64,
        starts_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    Market.objects.update(game=game)
    with django_assert_num_queries(3):
        contexts = cancel_contexts([resting, other], reason="emergency stop")
    assert contexts[other.pk]["order"]["status"] == "open"
    orders_cancel_requested(orders=[resting], reason="emergency stop")
    told = json.loads(AuditEntry.objects.get(kind="order.cancel_requested").payload)
    assert told["record"] == "CANCEL"
    context, ledger = told["context"], AccountLedger.objects.get(venue_account=account)
    assert context["reason"] == "emergency stop"
    assert (context["order"]["price_u"], context["order"]["qty_u"]) == (resting.price_u, resting.qty_u)
    assert (context["game"]["status"], context["game"]["home_score"]) == ("in_progress", 71)
    assert context["market"]["state"] == "open"
    assert context["risk_before"] == {
        "balance_u": ledger.cash_u,
        "available_u": ledger.cash_u - ledger.reserved_u,
        "working_orders": 2,
    }
