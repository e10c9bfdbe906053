"""Halts: the strictest scope wins, a person resumes, everybody concerned is told."""

from __future__ import annotations

import pytest

from audit.models import AuditEntry
from core.errors import Conflict, Invalid, NotAllowed
from markets.services import game_upsert
from notifications.models import Alert
from risk.models import OWN, HaltScope, HaltState, TradingHalt
from risk.selectors import effective_state, scopes_of
from risk.services import halt_resume, halt_set
from risk.services_limits import limits_set
from risk.signals import trading_halted
from tests.builders import a_market, a_user, an_account
from tests.markets.test_matching import a_game

pytestmark = pytest.mark.django_db

GLOBAL, VENUE = (HaltScope.GLOBAL, ""), (HaltScope.VENUE, "kalshi")


def put(scope, state, reason="drill"):
    return halt_set(
        scope=scope[0], scope_key=scope[1], state=state, code="manual", reason=reason, actor="op@example.org"
    )


def test_without_a_halt_everything_is_active():
    assert effective_state([GLOBAL, VENUE]).state is HaltState.ACTIVE


def test_the_strictest_scope_wins_and_says_which_it_is():
    put(GLOBAL, HaltState.REDUCING)
    put(VENUE, HaltState.PAUSED, "venue pause")
    state = effective_state([GLOBAL, VENUE])
    assert (state.state, state.scope, state.reason) == (HaltState.PAUSED, "venue:kalshi", "venue pause")
    assert effective_state([GLOBAL]).state is HaltState.REDUCING


def test_what_is_halted_leaves_only_by_a_person_with_a_reason():
    halt = put(GLOBAL, HaltState.HALTED)
    with pytest.raises(Conflict):
        put(GLOBAL, HaltState.ACTIVE)
    with pytest.raises(Invalid):
        halt_resume(halt=halt, reason="", actor="ann")
    halt_resume(halt=halt, reason="checked", actor="ann")
    assert effective_state([GLOBAL]).state is HaltState.ACTIVE
    assert TradingHalt.objects.get().epoch == 2


def own(user, state=HaltState.HALTED, *, code=OWN):
    return halt_set(
        scope=HaltScope.USER, scope_key=str(user.uid), state=state, code=code, reason="mine", actor=user.email
    )


def test_causes_stand_side_by_side_and_lifting_one_leaves_the_others(django_assert_num_queries):
    account = an_account()
    reducing, paused = own(account.user, HaltState.REDUCING), own(account.user, HaltState.PAUSED, code="trader_silent")
    with django_assert_num_queries(1):
        assert effective_state(scopes_of(account)).state is HaltState.PAUSED
    halt_resume(halt=paused, reason="heard again", actor="guard")
    assert effective_state(scopes_of(account)).state is HaltState.REDUCING
    halt_resume(halt=reducing, reason="done", actor="op@example.org")
    assert effective_state(scopes_of(account)).state is HaltState.ACTIVE


def test_who_lifts_a_halt_lifts_the_one_they_saw_and_no_later_one():
    seen = put(GLOBAL, HaltState.PAUSED)
    put(GLOBAL, HaltState.HALTED, "worse")
    with pytest.raises(Conflict):
        halt_resume(halt=seen, reason="it is fine", actor="op@example.org")
    assert effective_state([GLOBAL]).reason == "worse"
    lifted = halt_resume(halt=TradingHalt.objects.get(), reason="it is fine", actor="ann")
    with pytest.raises(Conflict):
        halt_resume(halt=lifted, reason="again", actor="ann")


def test_a_person_lifts_only_what_they_set_and_an_operator_everything():
    ann, eve = a_user(), a_user("eve@example.org")
    by_operator, by_ann = own(ann, code="manual"), own(ann)
    for halt, person in ((by_operator, ann), (by_ann, eve)):
        with pytest.raises(NotAllowed):
            halt_resume(halt=halt, reason="I want to trade", actor=person.email, by=person)
    halt_resume(halt=by_ann, reason="I want to trade", actor=ann.email, by=ann)
    halt_resume(halt=by_operator, reason="checked", actor="op@example.org")


def test_a_key_is_understood_as_people_write_it():
    account, market, game = an_account(), a_market(), game_upsert(game=a_game())
    user = account.user
    words = {
        HaltScope.VENUE: {"Kalshi": "kalshi", " KALSHI ": "kalshi"},
        HaltScope.USER: {"Ann@Example.org": str(user.uid), str(user.uid): str(user.uid)},
        HaltScope.ACCOUNT: {str(account.uid).upper(): str(account.uid)},
        HaltScope.STRATEGY: {"dip_reversion": "dip_reversion"},
        HaltScope.GAME: {"espn:1": "espn:1", str(game.uid): "espn:1"},
        HaltScope.MARKET: {market.market_id: market.market_id, str(market.uid): market.market_id},
    }
    for scope, keys in words.items():
        for typed, key in keys.items():
            halt = put((scope, typed), HaltState.HALTED)
            assert halt.scope_key == key
            assert halt.owner == (user if scope in (HaltScope.USER, HaltScope.ACCOUNT) else None)


@pytest.mark.parametrize("typed", ["", " ", "nobody", "01900000-0000-7000-8000-000000000000"])
@pytest.mark.parametrize("scope", list(HaltScope))
def test_a_key_that_names_nothing_is_refused(scope, typed):
    names_something = {HaltScope.GLOBAL: not typed.strip(), HaltScope.STRATEGY: bool(typed.strip())}
    if not names_something.get(scope, False):
        with pytest.raises(Invalid):
            put((scope, typed), HaltState.HALTED)
        assert not TradingHalt.objects.exists()


def test_a_halt_is_audited_alerted_and_signalled_after_the_commit(django_capture_on_commit_callbacks):
    heard = []

    def hear(sender, **facts):
        heard.append((facts["halt_uid"], facts["state"]))

    trading_halted.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        halt = put(GLOBAL, HaltState.HALTED)
        assert heard == []
    trading_halted.disconnect(hear)
    assert heard == [(halt.uid, HaltState.HALTED)]
    assert AuditEntry.objects.get(kind="halt.changed").chain == "system"
    assert Alert.objects.get().level == "critical"


def test_limits_are_changed_by_name_and_audited_with_before_and_after():
    account = an_account()
    limits_set(venue_account=account, actor="op@example.org", max_open_orders=3)
    assert '"max_open_orders":3' in AuditEntry.objects.get(kind="limits.changed").payload
    for wrong in ({"max_everything": 1}, {"max_open_orders": -1}):
        with pytest.raises(Invalid):
            limits_set(venue_account=account, actor="op@example.org", **wrong)
