"""A session opened from the rows holds what it would hold had it never stopped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from core import clock
from markets.services import baseline_record, game_upsert, market_link
from risk.models import HaltScope, HaltState
from risk.services import halt_set
from tests.builders import (
    NOON_MS,
    ONE,
    USD,
    a_claimed_order,
    a_fill,
    a_market,
    a_settlement,
    a_user,
    an_account,
    an_ack,
    an_order_report,
)
from tests.markets.test_matching import a_game
from trading.domain.messages import TradingState
from trading.domain.portfolio import fill_key, settlement_key
from trading.selectors.configs import session_config
from trading.selectors.session import session_opening
from trading.selectors.snapshot import one_snapshot
from trading.services.configs import sport_config_set
from trading.services.fills import fill_book
from trading.services.orders import order_acknowledge, order_apply_report
from trading.services.settlement import settlement_book
from venues.types import OrderState, SettleState, Venue

pytestmark = pytest.mark.django_db

NOW = clock.from_ms(NOON_MS + 60_000)


def opened(account):
    return session_opening([account], now=NOW)


def test_positions_orders_cash_and_what_was_booked_come_back():
    account, market = an_account(), a_market()
    market_link(game=game_upsert(game=a_game()), market=market, yes_is_home=True)
    baseline_record(market_id=market.market_id, mid_u2=1_100_000, strength_u=560_000, is_late=False)
    order = a_claimed_order(account, market, cause="dip")
    order_acknowledge(order=order, ack=an_ack(order))
    report = a_fill(account, market, order=order, qty_u=4 * ONE)
    fill_book(venue_account=account, report=report)
    opening = opened(account)
    working = opening.working_orders[0]
    assert (working.order.decision_id, working.order.game_id, working.order.reason) == (
        order.decision_id, "espn:1", "dip",
    )  # fmt: skip
    assert (working.status, working.seen_u) == ("open", 4 * ONE)
    assert (opening.positions[0].qty_u, opening.positions[0].paid_u) == (4 * ONE, 1_600_000)
    assert opening.booked_fills == (fill_key(report),)
    assert (opening.baselines[0].mid_u2, opening.baselines[0].strength_u) == (1_100_000, 560_000)
    cash_u = 10_000 * USD - 1_770_000
    assert (opening.balances[0].total_u, opening.balances[0].available_u) == (cash_u, cash_u - 2_520_000)


def test_an_ended_order_whose_fills_were_not_seen_comes_back_too_and_others_do_not():
    account, market = an_account(), a_market()
    seen = a_claimed_order(account, market)
    order_apply_report(venue_account=account, report=an_order_report(seen, OrderState.CANCELED))
    unseen = a_claimed_order(account, market)
    order_apply_report(venue_account=account, report=an_order_report(unseen, OrderState.FILLED, filled_u=10 * ONE))
    assert [one.order.decision_id for one in opened(account).working_orders] == [unseen.decision_id]


def test_closed_trades_settlements_and_voids_come_back_by_their_keys():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    voided = a_fill(account, market, settle_state=SettleState.FAILED)
    kept = a_fill(account, market)
    for report in (voided, kept):
        fill_book(venue_account=account, report=report)
    settled = a_settlement(account, market, value_u=0, yes_u=10 * ONE)
    settlement_book(venue_account=account, report=settled)
    opening = opened(account)
    assert opening.voided_fills == (fill_key(voided),)
    assert opening.booked_settlements == (settlement_key(settled),)
    assert [trade.realized_u for trade in opening.closed_trades] == [-4_170_000]
    assert opening.positions == ()


def test_what_a_catch_up_may_tell_again_is_known_however_long_ago_it_was():
    """It reads from a while before the account's last fill, so that is what must be known; not the last two days."""
    quiet, busy = an_account(venue=Venue.POLYMARKET), an_account(a_user("eve@example.org"), venue=Venue.POLYMARKET)
    market, day_ms = a_market(venue=Venue.POLYMARKET), 86_400_000
    old = [a_fill(quiet, market, venue_ms=NOON_MS - days * day_ms) for days in (10, 30)]
    new = a_fill(busy, market, venue_ms=NOON_MS)
    for account, report in ((quiet, old[1]), (quiet, old[0]), (busy, new)):
        fill_book(venue_account=account, report=report)
    settled = a_settlement(quiet, market, value_u=0, yes_u=20 * ONE, venue_ms=NOON_MS - 9 * day_ms)
    settlement_book(venue_account=quiet, report=settled)
    opening = session_opening([quiet, busy], now=NOW)
    assert opening.booked_fills == (fill_key(old[0]), fill_key(new))
    assert opening.booked_settlements == (settlement_key(settled),)


@pytest.mark.django_db(transaction=True)
def test_an_opening_sees_one_state_of_the_database_though_another_writes_meanwhile():
    if connection.vendor == "sqlite":
        pytest.skip("an in-memory SQLite database has one connection; run with DATABASE_URL=postgres://…")
    account, market = an_account(), a_market()

    def book_and_leave() -> None:
        fill_book(venue_account=account, report=a_fill(account, market))
        connection.close()

    with one_snapshot(), ThreadPoolExecutor() as pool:
        before = session_opening([account], now=NOW)
        pool.submit(book_and_leave).result()
        assert session_opening([account], now=NOW) == before
    assert session_opening([account], now=NOW).positions != before.positions


def test_a_halt_is_part_of_the_opening():
    account = an_account()
    halt_set(
        scope=HaltScope.ACCOUNT, scope_key=str(account.uid), state=HaltState.PAUSED, code="c", reason="r", actor="op"
    )
    assert opened(account).trading_state is TradingState.PAUSED


def test_settings_reach_the_session_as_exact_integers():
    user = a_user()
    account = an_account(user)
    changes = {"is_enabled": True, "auto_trade": True, "entry_threshold_pct": "0.075", "stop_loss_pct": "0.3"}
    sport_config_set(user=user, league="nba", changes=changes, actor="ann")
    config = session_config(user, [account])
    settings = config.effective("nba", "kalshi:ANY")
    assert (settings.is_enabled, settings.entry_threshold_u, settings.stop_loss_u) == (True, 75_000, 300_000)
    assert settings.allowed_segments is None
    assert config.accounts[0].capabilities.nets_yes_and_no
    assert config.caps.max_total_usd_u == 9_000 * USD
