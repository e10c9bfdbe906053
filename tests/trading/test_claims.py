"""T1: one transaction writes the order down and reserves its cost, or leaves a refusal with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.services import venue_account_enable
from audit.models import AuditEntry
from audit.selectors import chain_verify
from audit.services import chain_of_account
from core.errors import Conflict, LimitBreached, NotFound
from markets.services import market_state_set
from notifications.models import OutboxMessage
from risk.models import HaltScope, HaltState, LimitLevel
from risk.services import halt_resume, halt_set
from risk.services_limits import level_limits_set, limits_set
from tests.builders import (
    NOON_MS,
    ONE,
    USD,
    a_claimed_order,
    a_fill,
    a_market,
    a_user,
    an_account,
    an_ack,
    an_epoch,
    an_intent,
)
from trading.models import AccountLedger, Order, OrderEvent, Position, TraderLease
from trading.services.claims import client_order_id, order_claim
from trading.services.fences import fence_close, fence_open
from trading.services.fills import fill_book
from trading.services.lease import lease_acquire
from trading.services.orders import order_acknowledge, order_mark_not_sent, order_prepare_store
from trading.services.trader import trader_start, trader_stop
from venues.ports import OrderRequest, PreparedOrder
from venues.types import MarketState, OrderState, Side, TimeInForce, Venue

pytestmark = pytest.mark.django_db


def refusal(account, market, **changes):
    with pytest.raises(LimitBreached) as caught:
        order_claim(venue_account=account, lease_epoch=an_epoch(account), intent=an_intent(market, **changes))
    return caught.value


def told(refused: LimitBreached) -> tuple[str, str, int, int]:
    return refused.code, refused.extra["pt"], refused.extra["value"], refused.extra["limit"]


def test_a_claim_writes_the_order_reserves_its_cost_and_leaves_evidence_audit_and_outbox():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    assert (order.status, order.reserved_u, order.sent_at) == ("claimed", 4_200_000, None)
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 4_200_000
    assert OrderEvent.objects.get(order=order).kind == "claimed"
    assert AuditEntry.objects.get(kind="order.claimed").subject_uid == str(order.uid)
    assert OutboxMessage.objects.filter(topic="order.claimed").count() == 1
    assert chain_verify(chain_of_account(account.uid)) is None


def test_one_decision_has_one_live_order():
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, decision_id="d"))
    with pytest.raises(Conflict) as caught:
        order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, decision_id="d"))
    assert caught.value.code == "duplicate_decision"
    assert Order.objects.count() == 1
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 4_200_000


def test_a_decision_that_was_proven_not_sent_may_be_claimed_again_under_another_name():
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    first = order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, decision_id="d"))
    order_mark_not_sent(order=first, code="not_sent")
    second = order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, decision_id="d"))
    assert second.attempt == 1
    assert second.client_order_id != first.client_order_id


def test_the_client_order_id_is_a_function_of_account_decision_and_attempt():
    given: dict[str, Any] = {"account_key": "key", "decision_id": "decision", "attempt": 0}
    name = client_order_id(**given)
    assert name == client_order_id(**given)
    assert len(name) == 26 and name.startswith("cs1-")
    changes: tuple[dict[str, Any], ...] = ({"attempt": 1}, {"account_key": "yek"}, {"decision_id": "d"})
    others = {client_order_id(**given | change) for change in changes}
    assert name not in others and len(others) == 3


def test_a_claim_under_an_old_epoch_is_refused_and_leaves_nothing():
    account, market = an_account(), a_market()
    old = an_epoch(account, "trader-1")
    TraderLease.objects.update(expires_at=None)
    an_epoch(account, "trader-2")
    with pytest.raises(Conflict) as caught:
        order_claim(venue_account=account, lease_epoch=old, intent=an_intent(market))
    assert caught.value.code == "lease_lost"
    assert not Order.objects.exists()


def test_a_claim_under_a_fence_that_is_shut_is_refused_and_leaves_nothing():
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    fence_open(venue_account=account, epoch=epoch, token="old")
    intent = an_intent(market, fence_token="old")
    assert order_claim(venue_account=account, lease_epoch=epoch, intent=intent).fence_token == "old"
    fence_close(venue_account=account, epoch=epoch, token="old")
    for opened in ("", "new"):
        if opened:
            fence_open(venue_account=account, epoch=epoch, token=opened)
        with pytest.raises(Conflict) as caught:
            order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, fence_token="old"))
        assert caught.value.code == "fence_not_current"
    assert Order.objects.count() == 1
    assert order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market, fence_token="new"))


def test_a_held_lease_cannot_be_taken_but_by_its_holder():
    account = an_account()
    an_epoch(account, "trader-1")
    with pytest.raises(Conflict):
        lease_acquire(venue_account=account, holder="trader-2")
    assert lease_acquire(venue_account=account, holder="trader-1").epoch == 2


@pytest.mark.parametrize(
    ("scope", "key_of"),
    [
        (HaltScope.GLOBAL, lambda account, market: ""),
        (HaltScope.VENUE, lambda account, market: account.venue),
        (HaltScope.USER, lambda account, market: str(account.user.uid)),
        (HaltScope.ACCOUNT, lambda account, market: str(account.uid)),
        (HaltScope.STRATEGY, lambda account, market: "dip_reversion"),
        (HaltScope.MARKET, lambda account, market: market.market_id),
    ],
)
def test_a_halt_of_any_scope_denies_the_next_claim_until_a_person_resumes(scope, key_of):
    account, market = an_account(), a_market()
    key = key_of(account, market)
    halt = halt_set(
        scope=scope, scope_key=key, state=HaltState.HALTED, code="manual", reason="drill", actor="op@example.org"
    )
    refused = refusal(account, market)
    assert (refused.code, refused.extra["scope"]) == ("halted", f"{scope}:{key}")
    assert Order.objects.get().status == "denied"
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 0
    halt_resume(halt=halt, reason="drill is over", actor="ann")
    assert a_claimed_order(account, market).status == "claimed"


def test_a_stopped_trader_neither_opens_nor_closes_until_it_is_started_again():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    trader_start(user=account.user, actor="ann")
    trader_stop(user=account.user, actor="ann")
    assert refusal(account, market).code == "trader_stopped"
    assert refusal(account, market, side=Side.SELL, reduce_only=True, max_cost_u=0).code == "trader_stopped"
    assert set(Order.objects.values_list("status", flat=True)) == {"denied"}
    trader_start(user=account.user, actor="ann")
    assert a_claimed_order(account, market).status == "claimed"


def test_a_halt_that_sells_what_is_held_closes_also_where_the_trader_is_stopped_and_opens_nowhere():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    trader_start(user=account.user, actor="ann")
    trader_stop(user=account.user, actor="ann")
    halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="manual", reason="out", actor="op",
        flatten=True,
    )  # fmt: skip
    assert refusal(account, market).code == "trader_stopped"
    assert a_claimed_order(account, market, side=Side.SELL, reduce_only=True, max_cost_u=0).status == "claimed"


def test_while_reducing_only_an_order_that_reduces_passes():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.REDUCING, code="manual", reason="wind down", actor="op"
    )
    assert refusal(account, market).code == "reduce_only"
    order = a_claimed_order(account, market, side=Side.SELL, reduce_only=True, max_cost_u=0)
    assert (order.status, order.reserved_u) == ("claimed", 0)


def test_a_reducing_order_cannot_sell_more_than_is_held_and_not_already_for_sale():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    a_claimed_order(account, market, side=Side.SELL, reduce_only=True, qty_u=6 * ONE)
    refused = refusal(account, market, side=Side.SELL, reduce_only=True, qty_u=5 * ONE)
    assert told(refused) == ("nothing_to_reduce", "PT-10", 5 * ONE, 4 * ONE)
    a_claimed_order(account, market, side=Side.SELL, reduce_only=True, qty_u=4 * ONE)


def test_what_was_sold_is_not_sold_again_while_its_fills_are_unseen():
    """The venue says FILLED; its fills come later. Until they take it off the position, it is sold all the same."""
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    sale = a_claimed_order(account, market, side=Side.SELL, reduce_only=True, qty_u=6 * ONE)
    sale = order_acknowledge(order=sale, ack=an_ack(sale, OrderState.FILLED, filled_u=6 * ONE))
    assert (sale.status, sale.filled_u, sale.reserved_u) == ("filled", 0, 0)
    wanted = {"side": Side.SELL, "reduce_only": True, "qty_u": 5 * ONE}
    assert told(refusal(account, market, **wanted)) == ("nothing_to_reduce", "PT-10", 5 * ONE, 4 * ONE)
    fill_book(venue_account=account, report=a_fill(account, market, order=sale, side=Side.SELL, qty_u=6 * ONE))
    assert told(refusal(account, market, **wanted)) == ("nothing_to_reduce", "PT-10", 5 * ONE, 4 * ONE)
    assert a_claimed_order(account, market, **wanted | {"qty_u": 4 * ONE}).status == "claimed"


@pytest.mark.parametrize("state", [state for state in MarketState if state is not MarketState.OPEN])
def test_a_market_that_does_not_trade_takes_no_order(state):
    account, market = an_account(), a_market()
    market_state_set(market_id=market.market_id, state=state)
    assert refusal(account, market).code == "market_not_open"


def test_an_account_that_is_switched_off_takes_no_order():
    account, market = an_account(), a_market()
    venue_account_enable(account=account, is_enabled=False, actor="ann")
    assert refusal(account, market).code == "account_disabled"


@pytest.mark.parametrize("limit", ["max_order_usd_u", "max_position_usd_u", "max_exposure_usd_u"])
def test_a_limit_allows_its_last_micro_dollar_and_not_one_more(limit):
    account, market = an_account(), a_market()
    limits_set(venue_account=account, actor="op", **{limit: 4_200_000})
    assert a_claimed_order(account, market).status == "claimed"
    other = an_account(account.user)
    limits_set(venue_account=other, actor="op", **{limit: 4_199_999})
    refused = refusal(other, market)
    assert (refused.code, refused.extra["value"], refused.extra["limit"]) == (
        limit.removesuffix("_u"),
        4_200_000,
        4_199_999,
    )
    assert refused.extra["level"] == "account"


def test_what_a_venue_may_have_at_stake_is_of_all_its_accounts_together():
    """PT-11: ten orders of $4.20 among four accounts, held as positions or in reserve; elsewhere it binds nobody."""
    level_limits_set(level=LimitLevel.VENUE, key="kalshi", actor="op", reason="drill", max_exposure_usd_u=42 * USD)
    market, owner = a_market(), a_user()
    accounts = [an_account(owner) for _ in range(4)]
    for number in range(10):
        order = a_claimed_order(accounts[number % 4], market)
        if number % 2:
            fill_book(venue_account=order.venue_account, report=a_fill(order.venue_account, market, order=order))
    at_stake_u = sum(row.reserved_u for row in AccountLedger.objects.all())
    at_stake_u += sum(row.cost_u for row in Position.objects.all())
    refused = refusal(accounts[0], market)
    assert told(refused) == ("max_venue_usd", "PT-11", at_stake_u + 4_200_000, 42 * USD)
    assert refused.extra["level"] == "venue"
    other = an_account(owner, venue=Venue.POLYMARKET)
    assert a_claimed_order(other, a_market("ELSEWHERE", venue=Venue.POLYMARKET)).status == "claimed"


def test_working_orders_count_against_position_and_open_order_limits():
    account, market = an_account(), a_market()
    limits_set(venue_account=account, actor="op", max_position_usd_u=8_000_000, max_open_orders=2)
    a_claimed_order(account, market)
    assert refusal(account, market).code == "max_position_usd"
    a_claimed_order(account, a_market("OTHER"))
    assert refusal(account, a_market("THIRD")).code == "max_open_orders"


def test_an_exit_is_possible_however_many_orders_are_open():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    limits_set(venue_account=account, actor="op", max_open_orders=0)
    assert refusal(account, market).code == "max_open_orders"
    assert a_claimed_order(account, market, side=Side.SELL, reduce_only=True, max_cost_u=0).status == "claimed"


def test_cash_that_is_reserved_cannot_be_reserved_again():
    account, market = an_account(cash_u=8 * USD), a_market()
    a_claimed_order(account, market)
    refused = refusal(account, a_market("OTHER"))
    assert told(refused) == ("insufficient_cash", "PT-12", 8_400_000, 8_000_000)


def test_losses_of_the_day_realised_and_not_stop_new_risk_but_not_its_reduction():
    account, market = an_account(), a_market()
    limits_set(venue_account=account, actor="op", max_daily_loss_usd_u=3 * USD)
    fill_book(venue_account=account, report=a_fill(account, market, qty_u=20 * ONE, fee_u=0, venue_ms=NOON_MS))
    sale = a_fill(account, market, side=Side.SELL, price_u=200_000, fee_u=0, venue_ms=NOON_MS + 1)
    fill_book(venue_account=account, report=sale)
    assert refusal(account, market, unrealized_u=-1 * USD).code == "daily_loss"
    assert a_claimed_order(account, market, unrealized_u=5 * USD).status == "claimed"
    a_claimed_order(account, market, side=Side.SELL, reduce_only=True, max_cost_u=0, unrealized_u=-1 * USD)


def test_a_row_of_losses_stops_until_somebody_looked():
    account, market = an_account(), a_market()
    limits_set(venue_account=account, actor="op", max_losses_in_a_row=2)
    for number in range(2):
        at = NOON_MS + number * 10
        fill_book(venue_account=account, report=a_fill(account, market, venue_ms=at))
        fill_book(
            venue_account=account, report=a_fill(account, market, side=Side.SELL, price_u=300_000, venue_ms=at + 1)
        )
    assert refusal(account, market).code == "loss_streak"


def test_an_order_is_prepared_once():
    order = a_claimed_order(an_account(), a_market())
    prepared = _prepared(order)
    order = order_prepare_store(order=order, prepared=prepared)
    assert (order.body_sha256, order.venue_order_id, order.sent_at is not None) == ("ab" * 32, "0xhash", True)
    with pytest.raises(Conflict):
        order_prepare_store(order=order, prepared=prepared)


@pytest.mark.parametrize("broken", [{"status": "claimed"}, {"status": "done", "decision_id": "another"}])
def test_the_database_itself_refuses_a_second_live_order_and_an_unknown_status(broken):
    order = a_claimed_order(an_account(), a_market())
    columns = {"client_order_id": "other", "attempt": 7, "decision_id": order.decision_id, **broken}
    kept = {field.attname for field in Order._meta.concrete_fields} - {"id", "uid", *columns}
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.create(**{name: getattr(order, name) for name in kept}, **columns)


def test_a_claim_is_one_transaction_of_six_reads_and_six_writes(django_assert_num_queries):
    """The two others are the savepoint that stands for BEGIN and COMMIT in a test."""
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market)
    with django_assert_num_queries(2 + 6 + 6):
        order_claim(venue_account=account, lease_epoch=epoch, intent=intent)


def test_a_denial_is_one_transaction_of_six_reads_and_five_writes(django_assert_num_queries):
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market, max_cost_u=10_000 * USD)
    with django_assert_num_queries(2 + 6 + 5), pytest.raises(LimitBreached):
        order_claim(venue_account=account, lease_epoch=epoch, intent=intent)


def test_a_claim_for_a_market_that_is_not_in_the_books_leaves_nothing():
    account = an_account()
    with pytest.raises(NotFound):
        order_claim(venue_account=account, lease_epoch=an_epoch(account), intent=an_intent(a_market(), market_id="no"))
    assert not Order.objects.exists()


def test_the_first_claim_of_an_account_without_a_ledger_makes_one_and_is_denied_for_cash():
    account, market = an_account(), a_market()
    AccountLedger.objects.all().delete()
    assert refusal(account, market).code == "max_balance_share"
    assert AccountLedger.objects.get(venue_account=account).cash_u == 0


def _prepared(order: Order) -> PreparedOrder:
    request = OrderRequest(
        client_order_id=order.client_order_id,
        market=order.market.venue_market,
        side=Side.BUY,
        outcome=order.outcome,
        price_u=order.price_u,
        qty_u=order.qty_u,
        time_in_force=TimeInForce.GTC,
        created_ms=NOON_MS,
    )
    return PreparedOrder(request=request, venue_order_id="0xhash", path="/orders", body=b"{}", body_sha256="ab" * 32)
