"""One scene for each service with a transaction of its own, and the reasons of those that leave no audit entry.

A scene sets its stage and gives back the one call that is watched; whatever it writes has to be audited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import CredentialKind, Mode, User
from accounts.services import (
    credential_open,
    credential_store,
    user_register,
    venue_account_enable,
    venue_account_open,
)
from audit.anchors import Anchor
from audit.services_anchors import anchor_note
from core import clock
from markets.models import Game
from markets.services import market_link, market_state_set, market_upsert, markets_upsert
from notifications.models import AlertLevel
from notifications.services import alert_mark_seen, alert_raise
from risk.models import HaltScope, HaltState, LimitLevel, TradingHalt
from risk.receipts import stop_part_note
from risk.services import halt_rearm_ask, halt_resume, halt_set
from risk.services_limits import level_limits_set, limit_raise_answer, limits_set
from tests.builders import (
    USD,
    a_listing,
    a_market,
    a_user,
    an_account,
)
from tests.house.audited_trading import TRADING, Call, Scene, on_account, on_user
from trading.services.stopping import account_stop_begin
from venues.types import MarketState, Outcome, Venue

QUIET = {
    "lease_renew": "every five seconds; taking and letting go are told",
    "equity_note": "numbers folded from rows that are audited; every few seconds",
    "decisions_record": "the rows themselves are append-only, and an order's entry carries the decision it came from",
    "stop_part_cancels": "counts cancels, each of which has an entry at its order",
    "fences_older": "reads under a lock",
    "reconciliation_begin": "touches no book; the end says what was found, and a question by a person was told before",
    "alert_raise": "tells somebody what its caller's transaction wrote, once",
    "game_upsert": "every score of every game, as its feed still tells it",
    "games_upsert": "as game_upsert",
    "baseline_record": "a price among many; a decision keeps the one it saw",
    "price_points_record": "every price; they are thinned after a while",
    "outbox_relay": "delivery of what is audited where it was written",
    "outbox_clear_old": "removes what was delivered",
}


# --- people, keys, limits, halts --------------------------------------------------------------------------------------


def on_opened(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        account = an_account()
        return lambda: service(account=account, **given)

    return scene


KEY = {"kind": CredentialKind.KALSHI_KEY, "secrets": {"pem": "x"}, "public_id": "id-1234", "actor": "ann"}


def use_of_a_key() -> Call:
    account = an_account()
    credential_store(account=account, **KEY)
    return lambda: credential_open(account=account, kind=CredentialKind.KALSHI_KEY, purpose="trade", actor="trader")


def answer_to_a_raise() -> Call:
    _, asked = level_limits_set(level=LimitLevel.VENUE, key="kalshi", actor="op", reason="new", max_order_usd_u=5 * USD)
    _, asked = level_limits_set(
        level=LimitLevel.VENUE, key="kalshi", actor="op", reason="more", max_order_usd_u=6 * USD
    )
    staff = User.objects.create_superuser("bob@example.org", "a long enough password")
    return lambda: limit_raise_answer(asked=asked, by=staff, is_confirmed=True, reason="looked at it")


def a_halt(scope: HaltScope = HaltScope.GLOBAL, key: str = "") -> TradingHalt:
    return halt_set(scope=scope, scope_key=key, state=HaltState.HALTED, code="manual", reason="drill", actor="op")


def halt() -> Call:
    return a_halt


def resumption() -> Call:
    set_ = a_halt(HaltScope.VENUE, "kalshi")
    return lambda: halt_resume(halt=set_, reason="over", actor="ann")


def question_to_resume() -> Call:
    set_ = a_halt()
    return lambda: halt_rearm_ask(halt=set_, reason="over", actor="ann")


def part_of_a_stop() -> Call:
    account, event = an_account(), a_halt().events.get()
    return lambda: account_stop_begin(event=event, venue_account=account)


def proof_of_a_stop() -> Call:
    part = account_stop_begin(event=a_halt().events.get(), venue_account=an_account())
    return lambda: stop_part_note(part=part, gone_at=clock.now(), flat_at=None, by="guard")


def seen_alert() -> Call:
    alert = alert_raise(user=a_user(), level=AlertLevel.INFO, code="x", title="x", dedupe_key="x")
    return lambda: alert_mark_seen(alert=alert, actor="ann")


# --- markets ----------------------------------------------------------------------------------------------------------

NOW = clock.now()
FINAL: dict[str, Any] = {"state": MarketState.SETTLED, "result": Outcome.YES, "settlement_value_u": USD}


def link() -> Call:
    game = Game.objects.create(
        game_id="espn:1",
        league="nba",
        sport="basketball",
        status="scheduled",
        starts_at=clock.now(),
        updated_at=clock.now(),
    )
    market = a_market()
    return lambda: market_link(game=game, market=market, yes_is_home=True)


def result() -> Call:
    market = a_market()
    return lambda: market_state_set(
        market_id=market.market_id, state=MarketState.SETTLED, result=Outcome.YES, value_u=USD
    )


def listed_result() -> Call:
    a_market()
    return lambda: market_upsert(market=a_listing(**FINAL))


def listed_results() -> Call:
    a_market()
    return lambda: markets_upsert(markets=[a_listing(**FINAL)])


ANCHOR = Anchor(line=1, file="f", at="now", why="guard started", prev="", heads={})

AUDITED: dict[str, Scene] = {
    **TRADING,
    "alert_mark_seen": seen_alert,
    "anchor_note": lambda: lambda: anchor_note(anchor=ANCHOR, actor="guard"),
    "credential_open": use_of_a_key,
    "credential_store": on_opened(credential_store, **KEY),
    "halt_rearm_ask": question_to_resume,
    "halt_resume": resumption,
    "halt_set": halt,
    "level_limits_set": lambda: (
        lambda: level_limits_set(
            level=LimitLevel.VENUE, key="kalshi", actor="op", reason="new", max_order_usd_u=5 * USD
        )
    ),
    "limit_raise_answer": answer_to_a_raise,
    "limits_set": on_account(limits_set, actor="ann", max_order_usd_u=5 * USD),
    "market_link": link,
    "market_state_set": result,
    "market_upsert": listed_result,
    "markets_upsert": listed_results,
    "stop_part_begin": part_of_a_stop,
    "stop_part_note": proof_of_a_stop,
    "user_register": lambda: lambda: user_register(email="bob@example.org", password="a long enough pass-word 7"),
    "venue_account_enable": on_opened(venue_account_enable, is_enabled=False, actor="ann"),
    "venue_account_open": on_user(
        venue_account_open, venue=Venue.KALSHI, mode=Mode.SIMULATED, account_key="k", actor="ann"
    ),
}
"""By the service's name; a private one by the public one that it is the transaction of."""
