"""Trading again after a halt: a person, a reason, clean books, and for everything a second person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from accounts.services import venue_account_enable
from core.errors import Conflict, DomainError, NotAllowed
from risk.checks import Act, Verdict
from risk.checks.values import Breach
from risk.models import HaltScope, HaltState, KillSwitchEvent, TradingHalt
from risk.selectors_receipts import get_stop_for, receipt_of, stops_for
from risk.services import halt_rearm_ask, halt_resume, halt_set
from tests.builders import a_claimed_order, a_market, a_user, an_account
from trading.services.guard import KILL_FILE, guard_halt_behind, guard_look
from trading.services.invariants import invariants_check
from trading.services.orders import order_mark_not_sent
from trading.services.stopping import account_stop_begin, account_stop_note
from trading.services.triggers import breach_act

pytestmark = pytest.mark.django_db
OP, ANN, BOB = "op@example.org", "ann@example.org", "bob@example.org"


def halted(scope: HaltScope = HaltScope.GLOBAL, key: str = "", *, actor: str = OP, **more) -> TradingHalt:
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
    halt = halted(actor=OP)
    assert code_of(halt, OP) == "second_person"
    assert code_of(halt, ANN) == ""


def by_a_trigger(folder: Path) -> None:
    breach_act(venue_account=an_account(), verdict=Verdict(Breach("system_loss", 2, 1, pt="PT-15"), Act.EVERYTHING))


def by_an_invariant(folder: Path) -> None:
    venue_account_enable(account=an_account(), is_enabled=False, actor="ann@example.org")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET actor = 'eve@example.org'")
    invariants_check(confirm_after_s=0)


def by_a_kill_file(folder: Path) -> None:
    (folder / KILL_FILE).touch()
    guard_look(data_dir=folder)


def by_an_anchor(folder: Path) -> None:
    guard_halt_behind(problem="an entry is missing")


@pytest.mark.parametrize("set_it", [by_a_trigger, by_an_invariant, by_a_kill_file, by_an_anchor])
def test_what_a_machine_halted_takes_two_people(set_it: Callable[[Path], None], tmp_path: Path):
    set_it(tmp_path)
    takes_two_people(TradingHalt.objects.get(scope=HaltScope.GLOBAL))


@pytest.mark.parametrize("machine", ["guard", "trader", "risk", "system", "demo", "reconciliation", "whatever comes"])
def test_an_actor_that_is_not_known_for_a_person_is_a_machine(machine: str):
    takes_two_people(halted(actor=machine))


def test_whoever_types_a_command_is_a_person():
    halt = halted(actor="command:ann")
    assert code_of(halt, "command:ann") == "second_person"
    assert code_of(halt, "op@example.org") == ""


def takes_two_people(halt: TradingHalt) -> None:
    assert code_of(halt, ANN) == "second_person"
    halt_rearm_ask(halt=halt, reason="I looked", actor=ANN)
    with pytest.raises(NotAllowed):
        halt_resume(halt=halt, reason="again", actor=ANN)
    with pytest.raises(Conflict):
        halt_rearm_ask(halt=halt, reason="me too", actor=BOB)
    assert code_of(halt, BOB) == ""
    event = KillSwitchEvent.objects.get()
    assert (event.rearm_asked_by, event.rearmed_by, event.resolution) == (ANN, BOB, "I looked")


def test_a_narrower_halt_takes_one_person():
    assert code_of(halted(HaltScope.VENUE, "kalshi"), OP) == ""
    with pytest.raises(Conflict):
        halt_rearm_ask(halt=halted(HaltScope.VENUE, "kalshi"), reason="why", actor=OP)


def test_an_order_without_an_answer_and_books_nobody_compared_keep_it_halted():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    halt = halted(HaltScope.VENUE, "kalshi")
    with pytest.raises(Conflict) as refusal:
        halt_resume(halt=halt, reason="I looked", actor=OP)
    assert refusal.value.code == "not_clean" and "no answer yet" in refusal.value.message
    assert "never compared" in refusal.value.message
    assert code_of(halted(HaltScope.VENUE, "polymarket"), OP) == ""
    order_mark_not_sent(order=order, code="x")
    assert code_of(halt, OP) == "", "nothing of ours ever went there: there is nothing to compare"


def test_orders_that_are_not_proven_gone_keep_it_halted():
    account = an_account()
    halt = halted(HaltScope.VENUE, "kalshi")
    part = account_stop_begin(event=halt.events.get(), venue_account=account)
    assert code_of(halt, OP) == "not_clean"
    account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="trader")
    assert code_of(halt, OP) == ""


def test_a_halt_set_anew_ends_its_former_event_and_begins_another():
    halted()
    halted(actor=ANN, flatten=True)
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
