"""Trading again after a halt: a person, a reason, clean books, and for everything a second person."""

from __future__ import annotations

import pytest

from core.errors import Conflict, DomainError, NotAllowed
from risk.models import HaltScope, HaltState, KillSwitchEvent, TradingHalt
from risk.rearm import MACHINES
from risk.selectors_receipts import get_stop_for, receipt_of, stops_for
from risk.services import halt_rearm_ask, halt_resume, halt_set
from tests.builders import a_claimed_order, a_market, a_user, an_account
from trading.services.orders import order_mark_not_sent
from trading.services.stopping import account_stop_begin, account_stop_note

pytestmark = pytest.mark.django_db


def halted(scope: HaltScope = HaltScope.GLOBAL, key: str = "", *, actor: str = "op", **more) -> TradingHalt:
    return halt_set(
        scope=scope, scope_key=key, state=HaltState.HALTED, code="manual", reason="drill", actor=actor, **more
    )


def code_of(halt: TradingHalt, actor: str) -> str:
    try:
        halt_resume(halt=halt, reason="I looked", actor=actor)
    except DomainError as refusal:
        return refusal.code
    return ""


def test_nobody_confirms_what_they_set_themselves():
    halt = halted(actor="op")
    assert code_of(halt, "op") == "second_person"
    assert code_of(halt, "ann") == ""


@pytest.mark.parametrize("machine", sorted(MACHINES - {""}))
def test_what_a_machine_halted_takes_two_people(machine: str):
    halt = halted(actor=machine)
    assert code_of(halt, "ann") == "second_person"
    halt_rearm_ask(halt=halt, reason="I looked", actor="ann")
    with pytest.raises(NotAllowed):
        halt_resume(halt=halt, reason="again", actor="ann")
    with pytest.raises(Conflict):
        halt_rearm_ask(halt=halt, reason="me too", actor="bob")
    assert code_of(halt, "bob") == ""
    event = KillSwitchEvent.objects.get()
    assert (event.rearm_asked_by, event.rearmed_by, event.resolution) == ("ann", "bob", "I looked")


def test_a_narrower_halt_takes_one_person():
    assert code_of(halted(HaltScope.VENUE, "kalshi"), "op") == ""
    with pytest.raises(Conflict):
        halt_rearm_ask(halt=halted(HaltScope.VENUE, "kalshi"), reason="why", actor="op")


def test_an_order_without_an_answer_and_books_nobody_compared_keep_it_halted():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    halt = halted(HaltScope.VENUE, "kalshi")
    with pytest.raises(Conflict) as refusal:
        halt_resume(halt=halt, reason="I looked", actor="op")
    assert refusal.value.code == "not_clean" and "no answer yet" in refusal.value.message
    assert "never compared" in refusal.value.message
    assert code_of(halted(HaltScope.VENUE, "polymarket"), "op") == ""
    order_mark_not_sent(order=order, code="x")
    assert code_of(halt, "op") == "", "nothing of ours ever went there: there is nothing to compare"


def test_orders_that_are_not_proven_gone_keep_it_halted():
    account = an_account()
    halt = halted(HaltScope.VENUE, "kalshi")
    part = account_stop_begin(event=halt.events.get(), venue_account=account)
    assert code_of(halt, "op") == "not_clean"
    account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="trader")
    assert code_of(halt, "op") == ""


def test_a_halt_set_anew_ends_its_former_event_and_begins_another():
    halted()
    halted(actor="ann", flatten=True)
    second, first = KillSwitchEvent.objects.order_by("-id")
    assert first.resolution == "Set anew: drill" and first.rearmed_at is not None
    assert (second.rearmed_at, second.flatten) == (None, True)


def test_a_receipt_is_a_sentence_of_what_was_and_what_is_left():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    event = halted().events.get()
    assert "No account has answered yet" in receipt_of(event).sentence
    part = account_stop_begin(event=event, venue_account=account)
    assert account_stop_begin(event=event, venue_account=account).pk == part.pk
    stuck = [{"what": "order", "market_id": order.market.market_id, "why": "paused", "until": ""}]
    account_stop_note(part=part, stuck=stuck, left_alone=0, is_gone=False, by="trader")
    told = receipt_of(event)
    assert not told.is_proven and "NOT proven gone" in told.sentence and "1 cannot be done now" in told.sentence
    account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="guard")
    told = receipt_of(event)
    assert told.is_over and "1 orders were open, all proven gone after" in told.sentence


def test_a_person_sees_the_receipts_of_their_own_accounts_only():
    ann, eve = an_account(), an_account(a_user("eve@example.org"))
    everybodys = halted().events.get()
    anns = halted(HaltScope.USER, str(ann.user.uid)).events.get()
    for account in (ann, eve):
        account_stop_begin(event=everybodys, venue_account=account)
    assert list(stops_for(eve.user)) == [everybodys]
    assert [part.venue_account for part in get_stop_for(eve.user, everybodys.uid).parts] == [eve]
    with pytest.raises(DomainError, match="not_found"):
        get_stop_for(eve.user, anns.uid)
