"""Scenes of the services of trading: orders, fills, money, comparisons, leases, the trader. See `audited`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from accounts.models import Mode
from accounts.services import (
    venue_account_open,
)
from core import clock
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
    an_epoch,
    an_intent,
    an_order_report,
)
from trading.domain.lifecycle import OrderStatus
from trading.domain.reconciling import Difference, DifferenceKind
from trading.models import Order, OrphanedOrder, RunTrigger, TraderStatus
from trading.services import demo
from trading.services.cash import cash_open, cash_record_external
from trading.services.claims import order_claim
from trading.services.configs import sport_config_set
from trading.services.fences import fence_close, fence_close_unheld, fence_note_shut, fence_open
from trading.services.fills import fill_book, fill_confirm, fill_void
from trading.services.lease import lease_acquire, lease_release
from trading.services.orders import (
    order_acknowledge,
    order_apply_report,
    order_cancel_requested,
    order_end_proven,
    order_mark_not_sent,
    order_mark_unknown,
    order_prepare_store,
    order_reject,
    order_void,
    orders_cancel_requested,
)
from trading.services.orphans import orphan_adopt, orphan_close_ask, orphan_close_proven, orphan_mark_false
from trading.services.reconciliation import (
    finding_dismiss,
    reconciliation_ask,
    reconciliation_begin,
    reconciliation_end,
    reconciliation_fail,
)
from trading.services.settlement import settlement_book
from trading.services.trader import trader_heartbeat, trader_start
from venues.ports import OrderRequest, PreparedOrder
from venues.types import OrderReport, OrderState, Outcome, SettleState, Side, TimeInForce, Venue

Call = Callable[[], Any]
Scene = Callable[[], Call]

# --- orders, fills, money ---------------------------------------------------------------------------------------------


def an_order() -> Order:
    return a_claimed_order(an_account(), a_market())


def a_lost_order() -> Order:
    return order_mark_unknown(order=an_order(), code="timeout")


def on_order(service: Callable[..., Any], order_of: Callable[[], Order] = an_order, **given: Any) -> Scene:
    def scene() -> Call:
        order = order_of()
        return lambda: service(order=order, **given)

    return scene


def cancels_of_a_stop() -> Call:
    order = an_order()
    return lambda: orders_cancel_requested(orders=[order], reason="emergency stop")


def claim() -> Call:
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    return lambda: order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market))


def preparation() -> Call:
    order = an_order()
    request = OrderRequest(
        client_order_id=order.client_order_id, market=order.market.venue_market, side=Side.BUY, outcome=Outcome.YES,
        price_u=400_000, qty_u=10 * ONE, time_in_force=TimeInForce.GTC, created_ms=NOON_MS,
    )  # fmt: skip
    bytes_ = PreparedOrder(request=request, venue_order_id="v-1", path="/", body=b"{}", body_sha256="ab" * 32)
    return lambda: order_prepare_store(order=order, prepared=bytes_)


def acknowledgement() -> Call:
    order = an_order()
    return lambda: order_acknowledge(order=order, ack=an_ack(order))


def voiding() -> Call:
    order = a_lost_order()
    Order.objects.filter(pk=order.pk).update(created_at=clock.now() - timedelta(minutes=5))
    return lambda: order_void(order=order, reason="the venue's support says so", actor="op")


def report() -> Call:
    order = an_order()
    told = an_order_report(order, OrderState.RESTING)
    return lambda: order_apply_report(venue_account=order.venue_account, report=told)


def booking() -> Call:
    order = an_order()
    told = a_fill(order.venue_account, order.market, order=order)
    return lambda: fill_book(venue_account=order.venue_account, report=told)


def on_fill(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        order = an_order()
        told = a_fill(order.venue_account, order.market, order=order, settle_state=SettleState.PENDING)
        fill = fill_book(venue_account=order.venue_account, report=told)
        return lambda: service(fill=fill, **given)

    return scene


def payout() -> Call:
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    told = a_settlement(account, market, value_u=USD, yes_u=10 * ONE)
    return lambda: settlement_book(venue_account=account, report=told)


def on_account(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        account = an_account()
        return lambda: service(venue_account=account, **given)

    return scene


def opening_balance() -> Call:
    account = venue_account_open(user=a_user(), venue=Venue.KALSHI, mode=Mode.SIMULATED, account_key="k", actor="ann")
    return lambda: cash_open(venue_account=account, amount_u=USD)


# --- what a comparison found ------------------------------------------------------------------------------------------

GAP = Difference(kind=DifferenceKind.POSITION, key="position:M", text="M differs", ours_u=ONE, theirs_u=0)


def comparison() -> Call:
    run = reconciliation_begin(venue_account=an_account(), trigger=RunTrigger.PERIODIC)
    return lambda: reconciliation_end(run=run, differences=[GAP], evidence={})


def failed_comparison() -> Call:
    run = reconciliation_begin(venue_account=an_account(), trigger=RunTrigger.PERIODIC)
    return lambda: reconciliation_fail(run=run, code="timeout", message="No answer.")


def dismissal() -> Call:
    account = an_account()
    run = reconciliation_begin(venue_account=account, trigger=RunTrigger.PERIODIC)
    reconciliation_end(run=run, differences=[GAP], evidence={})
    finding = account.findings.get()
    return lambda: finding_dismiss(finding=finding, reason="known", actor="ann")


def an_orphan() -> OrphanedOrder:
    account, market = an_account(), a_market()
    told = OrderReport(
        venue=Venue.KALSHI, account=account.account_key, market_id=market.market_id, state=OrderState.RESTING,
        venue_ms=NOON_MS, side=Side.BUY, outcome=Outcome.YES, price_u=400_000, qty_u=10 * ONE, filled_u=0,
        remaining_u=10 * ONE, client_order_id="cs1-lost", venue_order_id="v-lost",
    )  # fmt: skip
    order_apply_report(venue_account=account, report=told)
    return OrphanedOrder.objects.get()


def on_orphan(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        orphan = an_orphan()
        return lambda: service(orphan=orphan, **given)

    return scene


def proof_of_closing() -> Call:
    orphan = orphan_close_ask(orphan=an_orphan(), reason="not wanted", actor="ann")
    return lambda: orphan_close_proven(orphan=orphan, evidence={"polls": 2})


# --- leases, fences, the trader, settings -----------------------------------------------------------------------------


def on_lease(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        account = an_account()
        epoch = an_epoch(account)
        return lambda: service(venue_account=account, epoch=epoch, **given)

    return scene


def shut_fence() -> Call:
    account = an_account()
    epoch = an_epoch(account)
    fence_open(venue_account=account, epoch=epoch, token="t")
    return lambda: fence_close(venue_account=account, epoch=epoch, token="t")


def abandoned_fence() -> Call:
    account = an_account()
    fence = fence_open(venue_account=account, epoch=an_epoch(account), token="t")
    lease_release(venue_account=account, holder="trader-1", epoch=fence.epoch)
    return lambda: fence_close_unheld(fence=fence, actor="guard")


def fence_shut_blindly() -> Call:
    account = an_account()
    fence = fence_open(venue_account=account, epoch=an_epoch(account), token="t")
    return lambda: fence_note_shut(fence=fence, actor="guard")


def on_user(service: Callable[..., Any], **given: Any) -> Scene:
    def scene() -> Call:
        user = a_user()
        return lambda: service(user=user, **given)

    return scene


TRADING: dict[str, Scene] = {
    "orphan_adopt": on_orphan(orphan_adopt, reason="restored", actor="ann"),
    "_claim": claim,
    "_settings_ensure": on_user(demo.demo_desk_ensure),
    "_wish": on_user(trader_start, actor="ann"),
    "cash_open": opening_balance,
    "cash_record_external": on_account(cash_record_external, amount_u=USD, ref="r"),
    "fence_close": shut_fence,
    "fence_close_unheld": abandoned_fence,
    "fence_note_shut": fence_shut_blindly,
    "fence_open": on_lease(fence_open, token="t"),
    "fill_book": booking,
    "fill_confirm": on_fill(fill_confirm),
    "fill_void": on_fill(fill_void, reason="failed on chain"),
    "finding_dismiss": dismissal,
    "lease_acquire": on_account(lease_acquire, holder="trader-1"),
    "lease_release": on_lease(lease_release, holder="trader-1"),
    "order_acknowledge": acknowledgement,
    "order_apply_report": report,
    "order_cancel_requested": on_order(order_cancel_requested, reason="stop"),
    "order_end_proven": on_order(order_end_proven, a_lost_order, to=OrderStatus.VOID, evidence={"polls": 2}),
    "order_mark_not_sent": on_order(order_mark_not_sent, code="no_permit"),
    "order_mark_unknown": on_order(order_mark_unknown, code="timeout"),
    "order_prepare_store": preparation,
    "order_reject": on_order(order_reject, code="price"),
    "order_void": voiding,
    "orders_cancel_requested": cancels_of_a_stop,
    "orphan_close_ask": on_orphan(orphan_close_ask, reason="not wanted", actor="ann"),
    "orphan_close_proven": proof_of_closing,
    "orphan_mark_false": on_orphan(orphan_mark_false, reason="my other program", actor="ann"),
    "reconciliation_ask": on_account(reconciliation_ask, actor="ann"),
    "reconciliation_end": comparison,
    "reconciliation_fail": failed_comparison,
    "settlement_book": payout,
    "sport_config_set": on_user(sport_config_set, league="nba", changes={"is_enabled": False}, actor="ann"),
    "trader_heartbeat": on_user(trader_heartbeat, status=TraderStatus.RUNNING),
}
