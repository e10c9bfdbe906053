"""INV-52: what a claim counts in its statements is what the rows say, one by one, whatever happened before."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from django.db import connection, transaction

from core import clock
from core.errors import LimitBreached
from core.sql import run
from risk.checks.values import OrderAsk
from tests.builders import NOON_MS, ONE, a_claimed_order, a_fill, a_market, an_account, an_ack, an_epoch
from trading.models import Order, OrderStatus, PnlDay, Position
from trading.selectors.claim import Claimant, ClaimView, claim_reads, view_of
from trading.selectors.claim_sql import ORDERS_SQL
from trading.selectors.risk import ClaimAsk, claim_facts
from trading.services.fills import fill_book
from trading.services.lease import CLAIM_MARGIN
from trading.services.orders import order_acknowledge, order_mark_not_sent, order_mark_unknown
from venues.types import OrderState, Outcome, Side

pytestmark = pytest.mark.django_db

STEPS = 20


def the_view(account, market, *, epoch=0, decision_id="new") -> ClaimView:
    who = Claimant(
        account=account,
        epoch=epoch,
        lease_margin=CLAIM_MARGIN,
        decision_id=decision_id,
        strategy="dip_reversion",
        market_id=market.market_id,
    )
    with transaction.atomic():
        view = view_of(who, run(*claim_reads(who)))
    assert view is not None
    return view


def the_snapshot(account, market, outcome):
    view = the_view(account, market)
    ask = OrderAsk(cost_u=1, reduces=outcome is Outcome.NO, outcome=outcome)
    at = clock.from_ms(NOON_MS)
    asked = ClaimAsk(ask=ask, decision_id="new", cause="", strategy="dip_reversion", at=at)
    return claim_facts(account, view.market, view.cash, asked, state=view.halt, held=view.held).snapshot


def assert_equal(account, market) -> None:
    stays, orders = list(Position.objects.order_by("-closed_at", "-id")), list(Order.objects.all())
    working = [one for one in orders if one.is_working]
    here = [one for one in orders if one.market == market]
    ended = [one.realized_u for one in stays if not one.is_open and one.bought_u]
    money = the_snapshot(account, market, Outcome.YES).money
    assert money.reserved_u == sum(one.reserved_u for one in orders)
    assert money.open_cost_u == sum(one.cost_u for one in stays if one.is_open)
    held_here_u = sum(one.cost_u for one in stays if one.is_open and one.market == market)
    assert money.market_u == money.game_u == held_here_u + sum(one.reserved_u for one in here)
    assert money.group_u == money.open_cost_u + money.reserved_u
    assert money.realized_today_u == sum(PnlDay.objects.values_list("realized_u", flat=True))
    assert money.losses_in_a_row == len(list(takewhile(lambda earned_u: earned_u < 0, ended)))
    flow = the_snapshot(account, market, Outcome.YES).flow
    assert flow.open_orders == len(working)
    assert flow.unknown_account == sum(one.is_unknown for one in working)
    held_u = sum(one.qty_u for one in stays if one.is_open and one.market == market and one.outcome == Outcome.NO)
    selling = [one for one in working if one.market == market and (one.side, one.outcome) == (Side.SELL, Outcome.NO)]
    sold = [one for one in here if (one.side, one.outcome) == (Side.SELL, Outcome.NO) and not one.is_working]
    left_u = sum(one.qty_u - one.filled_u for one in selling) + sum(one.unseen_u for one in sold)
    assert the_snapshot(account, market, Outcome.NO).free_qty_u == held_u - left_u


def one_step(dice: random.Random, account, market, number: int) -> None:
    """Claim and leave, claim and fill (some of it), claim and lose, sell, sell and see no fill of it, or hear of a
    fill of nobody's order."""
    at, price_u = NOON_MS + number * 1_000, dice.randrange(100_000, 900_000, 10_000)
    kind = dice.choice(["claim", "fill", "fill", "part", "deny", "unknown", "sell", "sell", "unseen", "stray"])
    outcome, side = dice.choice(list(Outcome)), Side.SELL if kind in ("sell", "unseen") else Side.BUY
    terms = {"side": side, "outcome": outcome, "price_u": price_u}
    if kind == "stray":
        fill_book(venue_account=account, report=a_fill(account, market, **terms, venue_ms=at))
        return
    order = a_claimed_order(account, market, **terms, reduce_only=side is Side.SELL, qty_u=5 * ONE, created_ms=at)
    if kind in ("fill", "part", "sell"):
        qty_u = 2 * ONE if kind == "part" else 5 * ONE
        fill_book(venue_account=account, report=a_fill(account, market, order=order, **terms, qty_u=qty_u, venue_ms=at))
    elif kind == "deny":
        order_mark_not_sent(order=order, code="not_sent")
    elif kind == "unseen":
        order_acknowledge(order=order, ack=an_ack(order, OrderState.FILLED, filled_u=order.qty_u))
    elif kind == "unknown":
        order_mark_unknown(order=order, code="timeout")


@pytest.mark.parametrize("seed", range(3))
def test_what_a_claim_counts_is_what_the_rows_say_after_any_history(seed):
    dice, account = random.Random(seed), an_account()
    markets = [a_market("ONE"), a_market("TWO")]
    for number in range(STEPS):
        try:
            one_step(dice, account, dice.choice(markets), number)
        except LimitBreached:
            assert Order.objects.filter(status=OrderStatus.DENIED).exists()
        if number % 5 == 4:
            for market in markets:
                assert_equal(account, market)


def test_the_lease_and_earlier_tries_are_read_at_the_gate():
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    order = a_claimed_order(account, market, decision_id="d")
    order_mark_not_sent(order=order, code="not_sent")
    gate = the_view(account, market, epoch=epoch + 1, decision_id="d").gate
    assert (gate.holds_lease, gate.attempts, gate.has_live_order) == (True, 1, False)
    assert not the_view(account, market, epoch=epoch).gate.holds_lease


@pytest.mark.parametrize("seconds_left", [1, 40])
def test_a_lease_holds_for_a_claim_only_with_its_margin_left(seconds_left):
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    with connection.cursor() as cursor:
        ends = connection.ops.adapt_datetimefield_value(datetime.now(UTC) + timedelta(seconds=seconds_left))
        cursor.execute("UPDATE trading_traderlease SET expires_at = %s", [ends])
    assert bool(the_view(account, market, epoch=epoch).gate.holds_lease) == (seconds_left > 2)


def test_an_order_that_ended_days_ago_counts_while_it_holds_money():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    long_ago = order.claimed_at - timedelta(days=3)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CANCELED, claimed_at=long_ago)
    money = the_snapshot(account, market, Outcome.YES).money
    assert money.market_u == money.game_u == money.group_u == order.reserved_u > 0
    assert the_snapshot(account, market, Outcome.YES).flow.open_orders == 0


def test_no_order_is_read_that_a_claim_does_not_count():
    """Each part of the statement finds its orders by an index: an account's past makes no claim slower."""
    parameters = dict.fromkeys(re.findall(r"%\((\w+)\)s", ORDERS_SQL), 1)
    times = ("recent", "since", "day_start", "window_start")
    parameters |= dict.fromkeys(times, connection.ops.adapt_datetimefield_value(clock.now()))
    parameters |= {"side": "buy", "outcome": "yes", "strategy": "s", "decision_id": "d", "cause": "c", "league": "nba"}
    parameters |= {"mode": "simulated"}
    parameters |= {"buys_yes": True, "reduces": False}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {ORDERS_SQL}", parameters)
        plan = " ".join(str(column) for row in cursor.fetchall() for column in row)
    assert set(re.findall(r"\border_\w+", plan)) >= {"order_alive", "order_ended", "order_cancels"}
    assert not re.search(r"SCAN s\b(?! USING)|Seq Scan on trading_order", plan), plan
