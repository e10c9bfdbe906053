"""The invariants hold in good books, and each one names what broke it. Rows are broken by plain SQL, as a bug would."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from core import clock
from tests.builders import ONE, USD, a_claimed_order, a_fill, a_market, a_settlement, an_account, an_ack
from trading.models import (
    AccountLedger,
    CashEntry,
    Fill,
    FillVoid,
    Order,
    OrderEvent,
    Position,
    Settlement,
    VenueFence,
)
from trading.selectors.invariants import violations
from trading.selectors.invariants_orders import evidence_follows_the_table
from trading.services.fills import fill_book, fill_void
from trading.services.orders import order_acknowledge, order_prepare_store
from trading.services.settlement import settlement_book
from venues.ports import OrderRequest, PreparedOrder
from venues.types import Outcome, Side, TimeInForce, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Order:
    """A filled order, a voided fill, a sale, an open order and a settled market, at a netting venue."""
    account, market, over = an_account(), a_market(), a_market("GAME-AWAY")
    order = _sent(account, market)
    fill_book(venue_account=account, report=a_fill(account, market, order=order))
    lost = fill_book(venue_account=account, report=a_fill(account, market, qty_u=3 * ONE))
    assert lost is not None
    fill_void(fill=lost, reason="it failed")
    fill_book(venue_account=account, report=a_fill(account, market, side=Side.SELL, qty_u=4 * ONE, price_u=500_000))
    a_claimed_order(account, market, price_u=300_000)
    fill_book(venue_account=account, report=a_fill(account, over, outcome=Outcome.NO, qty_u=2 * ONE))
    settlement_book(venue_account=account, report=a_settlement(account, over, value_u=0, no_u=2 * ONE))
    order.refresh_from_db()
    return order


def _sent(account, market) -> Order:
    order = a_claimed_order(account, market)
    request = OrderRequest(
        client_order_id=order.client_order_id,
        market=market.venue_market,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=order.price_u,
        qty_u=order.qty_u,
        time_in_force=TimeInForce.GTC,
        created_ms=0,
    )
    prepared = PreparedOrder(request=request, venue_order_id="", path="/", body=b"{}", body_sha256="ab" * 32)
    order = order_prepare_store(order=order, prepared=prepared)
    return order_acknowledge(order=order, ack=an_ack(order))


def broken(*, without=("INV-42",), ledgers=()) -> set[str]:
    return {one.code for one in violations(without=without, ledgers=ledgers)}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_good_books_break_nothing(books):
    assert list(violations()) == []


def test_two_live_orders_of_one_decision(books):
    run("DROP INDEX order_one_live_per_decision")
    Order.objects.update(decision_id="one", attempt=F("id"))
    assert broken() == {"INV-01"}


def test_two_orders_with_one_venue_id(books):
    run("DROP INDEX order_venue_id_once")
    Order.objects.update(venue_order_id="v-1")
    assert "INV-02" in broken()


@pytest.mark.parametrize("status", ["open", "denied"])
def test_a_status_without_its_evidence(books, status):
    Order.objects.filter(pk=books.pk).update(status=status)
    assert "INV-06" in broken()


def test_an_illegal_move(books):
    Order.objects.filter(pk=books.pk).update(status="open")
    OrderEvent(order=books, kind="made up", from_status="filled", to_status="open").save()
    assert {"INV-06", "INV-40"} <= broken()


def test_more_filled_than_ordered(books):
    Order.objects.filter(pk=books.pk).update(filled_u=F("qty_u") + 20_000)
    assert "INV-07" in broken()


def test_a_filled_quantity_without_its_fill(books):
    Order.objects.exclude(pk=books.pk).update(filled_u=1)
    assert "INV-07" in broken()


def test_a_refused_order_with_a_fill(books):
    Order.objects.filter(pk=books.pk).update(status="rejected")
    assert "INV-08" in broken()


def test_an_order_unknown_for_too_long_of_which_nobody_was_told(books):
    late = clock.now() - timedelta(seconds=151)
    Order.objects.filter(status="claimed").update(unknown_at=late)
    assert broken() == {"INV-09"}


@pytest.mark.parametrize("missing", [{"lease_epoch": 0}, {"body_sha256": ""}])
def test_an_order_sent_without_a_lease_or_a_hash(books, missing):
    Order.objects.filter(pk=books.pk).update(**missing)
    assert broken() == {"INV-10"}


def test_an_order_prepared_twice(books):
    OrderEvent(order=books, kind="prepared", from_status="filled", to_status="filled").save()
    assert "INV-10" in broken()


def test_an_order_of_one_epoch_under_the_fence_of_another(books):
    VenueFence(venue_account=books.venue_account, token="group-2", epoch=2).save()
    Order.objects.filter(pk=books.pk).update(fence_token="group-2", lease_epoch=1)
    assert broken() == {"INV-12"}


@pytest.mark.parametrize(("closed_s", "codes"), [(-1, {"INV-12"}), (1, set())])
def test_an_order_claimed_under_a_fence_that_was_shut_before(books, closed_s, codes):
    closed_at = books.created_at + timedelta(seconds=closed_s)
    VenueFence(
        venue_account=books.venue_account, token="group-1", epoch=books.lease_epoch, state="dead", closed_at=closed_at
    ).save()
    Order.objects.filter(pk=books.pk).update(fence_token="group-1")
    assert broken() == codes


def test_a_fill_booked_twice(books):
    first = books.fills.get()
    if connection.vendor == "sqlite":
        pytest.skip("SQLite keeps the constraint inside the table; PostgreSQL lets a test drop it")
    run("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks cannot be altered
    run("ALTER TABLE trading_fill DROP CONSTRAINT fill_once")
    Fill.objects.exclude(pk=first.pk).update(trade_id=first.trade_id)
    assert "INV-20" in broken()


def test_a_fee_by_a_model(books):
    run(f"UPDATE trading_cashentry SET amount_u = amount_u - 1 WHERE kind = 'fee' AND fill_id = {books.fills.get().pk}")
    AccountLedger.objects.update(cash_u=F("cash_u") - 1)
    assert {"INV-21", "INV-25"} <= broken()


@pytest.mark.parametrize("venue", list(Venue))
def test_a_trade_at_another_price(books, venue):
    other = an_account(books.venue_account.user, venue=venue)
    fill = fill_book(venue_account=other, report=a_fill(other, a_market("X", venue=venue)))
    assert fill is not None
    run(f"UPDATE trading_cashentry SET amount_u = amount_u - 1000000 WHERE kind = 'trade' AND fill_id = {fill.pk}")
    AccountLedger.objects.filter(venue_account=other).update(cash_u=F("cash_u") - 1_000_000)
    assert {"INV-21", "INV-25"} <= broken()


def test_a_position_that_no_fill_explains(books):
    Position.objects.filter(is_open=True).update(qty_u=F("qty_u") + 1)
    assert "INV-22" in broken()


def test_no_marked_as_yes(books):
    Position.objects.filter(is_open=True).update(outcome="no")
    assert "INV-22" in broken()


def test_money_without_a_reason(books):
    CashEntry(venue_account=books.venue_account, kind="trade", amount_u=USD, ref="made up", at=clock.now()).save()
    AccountLedger.objects.update(cash_u=F("cash_u") + USD)
    assert {"INV-23", "INV-25"} <= broken()


def test_a_reservation_released_too_early(books):
    Order.objects.filter(status="claimed").update(reserved_u=0)
    assert broken() == {"INV-24"}


def test_a_sum_of_reservations_that_is_off(books):
    AccountLedger.objects.update(reserved_u=F("reserved_u") + 1)
    assert broken() == {"INV-24"}


def test_a_result_that_cash_does_not_show(books):
    Position.objects.filter(is_open=False).update(realized_u=F("realized_u") + 1)
    assert broken() == {"INV-25"}


def test_a_position_in_a_settled_market(books):
    held = Settlement.objects.get()
    Position.objects.filter(market=held.market).update(is_open=True, qty_u=1)
    assert "INV-27" in broken()


def test_a_fill_that_failed_and_was_only_forgotten(books):
    fill = books.fills.get()
    Fill.objects.filter(pk=fill.pk).update(settle_state="failed")
    assert "INV-28" in broken()


def test_a_void_of_a_fill_that_still_counts(books):
    Fill.objects.filter(pk=FillVoid.objects.get().fill_id).update(settle_state="confirmed")
    assert "INV-28" in broken()


def test_cash_that_is_not_the_sum_of_its_entries(books):
    AccountLedger.objects.update(cash_u=F("cash_u") + 1)
    assert {"INV-25", "INV-29"} == broken()


def test_a_change_without_its_audit(books):
    run("DELETE FROM audit_auditentry WHERE id = (SELECT max(id) FROM audit_auditentry WHERE kind = 'fill.booked')")
    assert {"INV-40", "INV-41"} <= broken()


def test_an_outbox_that_nobody_empties(books):
    run("UPDATE notifications_outboxmessage SET created_at = '2026-01-01 00:00:00+00:00'")
    assert broken(without=()) == {"INV-42"}


def ledger_of(order: Order) -> dict:
    """What a venue would tell, had it the same books."""
    account = order.venue_account
    names = ("trade_id", "side", "outcome", "price_u", "qty_u", "fee_u", "settle_state")
    fills = [
        {name: getattr(row, name) for name in names} | {"order_id": row.venue_order_id}
        for row in Fill.objects.filter(venue_account=account)
    ]
    working = Order.objects.exclude(pk=order.pk).get()
    Order.objects.filter(pk=working.pk).update(venue_order_id="v-2")
    held = Position.objects.get(is_open=True)
    paid = Settlement.objects.get()
    return {
        "venue": account.venue,
        "orders": [
            {"order_id": order.venue_order_id, "state": "filled", "filled_u": order.filled_u},
            {"order_id": "v-2", "state": working.status, "filled_u": 0},
        ],
        "fills": fills,
        "cash_u": AccountLedger.objects.get(venue_account=account).cash_u,
        "positions": [{"native_id": held.market.venue_market.native_id, "yes_qty_u": held.qty_u, "no_qty_u": 0}],
        "settlements": [
            {
                "native_id": paid.market.venue_market.native_id,
                **{name: getattr(paid, name) for name in ("value_u", "yes_qty_u", "no_qty_u", "payout_u")},
            }
        ],
    }


def test_the_venues_ledger_is_the_same(books):
    assert broken(ledgers=[ledger_of(books)]) == set()


@pytest.mark.parametrize(
    ("part", "code"),
    [("orders", "INV-05"), ("fills", "INV-20"), ("positions", "INV-22"), ("settlements", "INV-27")],
)
def test_what_the_venue_does_not_have(books, part, code):
    assert broken(ledgers=[ledger_of(books) | {part: []}]) == {code}


def test_an_order_that_only_the_venue_has(books):
    told = ledger_of(books)
    told["orders"].append({"order_id": "v-3", "state": "resting", "filled_u": 0})
    assert broken(ledgers=[told]) == {"INV-02"}


def test_a_cent_that_only_the_venue_has(books):
    told = ledger_of(books)
    assert broken(ledgers=[told | {"cash_u": told["cash_u"] + 1}]) == {"INV-21"}


def test_the_command_says_that_all_hold_or_names_the_first_that_does_not(books, capsys):
    call_command("check_invariants")
    assert "invariants hold" in capsys.readouterr().out
    Order.objects.filter(status="claimed").update(reserved_u=0)
    with pytest.raises(SystemExit) as ended:
        call_command("check_invariants", "--confirm-after", "0")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("INV-24: account")
    with pytest.raises(SystemExit):
        call_command("check_invariants", "--json", "--confirm-after", "0")
    assert {one["invariant"] for one in json.loads(capsys.readouterr().out)["violations"]} == {"INV-24"}


def test_an_order_that_is_claimed_between_two_reads_of_a_look_breaks_nothing(books):
    due = [books]

    def claim_after(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if due and sql.startswith('SELECT "trading_order"."id"') and '"status"' in sql:
            order = due.pop()
            a_claimed_order(order.venue_account, order.market, price_u=200_000)
        return result

    with connection.execute_wrapper(claim_after):
        assert list(evidence_follows_the_table()) == []
    assert due == []
