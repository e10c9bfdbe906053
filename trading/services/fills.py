"""T3: book what was executed. One transaction holds the fill, its cash, the position, the order and the audit entry.

A fill is identified for ever by (account, trade_id, leg), so the same report from a stream and from a read is booked
once. A fill the venue takes back is voided, never erased. A fill that arrives out of order, after the settlement or
after a void makes the positions of its market be folded anew from all rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import VenueAccount
from core import clock
from core.kill_points import kill_point
from core.money import usd_of
from markets.models import Market
from trading.domain.lifecycle import OrderStatus, may_correct, may_fill, may_move
from trading.domain.slippage import slippage_u
from trading.models import CashEntry, CashKind, Fill, FillVoid, Order, Settlement
from trading.services.cash import post_cash
from trading.services.moves import find_order, lock_ledger, move_order, note_order
from trading.services.oddities import fee_compare
from trading.services.positions import fill_fact, positions_store, stays_kept, stays_refolded
from trading.services.records import alert_owner, record_fact
from venues.types import MICRO, FillReport, Outcome, SettleState, Side

FILLED = "filled"
"""The kind of evidence that a fill leaves on its order."""


@transaction.atomic(durable=True)
def fill_book(*, venue_account: VenueAccount, report: FillReport) -> Fill | None:
    """Book an execution; None for one that is known. A known one with other numbers raises an alert, not the amounts.

    A report that is already FAILED is booked and voided at once, so that the books show both.
    """
    lock_ledger(venue_account.pk)
    kill_point("P9.locked")
    known = Fill.objects.filter(venue_account=venue_account, trade_id=report.trade_id, leg=report.leg).first()
    if known is not None:
        _compare(venue_account, known, _told_as(report, known))
        _apply_settle_state(venue_account, known, report.settle_state)
        return None
    if cut_otherwise := _cut_otherwise(venue_account, report):
        for part in cut_otherwise:
            _apply_settle_state(venue_account, part, report.settle_state)
        _alert_cut_otherwise(venue_account, cut_otherwise, report)
        return None
    fill = _insert(venue_account, report)
    kill_point("P9.after_insert")
    cash_u = _move_position(venue_account, fill)
    kill_point("P9.after_position")
    _post_fill_cash(venue_account, fill, cash_u)
    kill_point("P9.after_cash")
    if fill.order is not None:
        _count_on_order(fill.order, fill)
    fee_compare(fill)
    record_fact(
        venue_account, kind="fill.booked", subject=fill, subject_type="fill", payload=_facts(fill), key=str(fill.uid)
    )
    if report.settle_state is SettleState.FAILED:
        _apply_settle_state(venue_account, fill, SettleState.FAILED)
    kill_point("P9.before_commit")
    return fill


@transaction.atomic(durable=True)
def fill_confirm(*, fill: Fill) -> bool:
    """PENDING → CONFIRMED; False when it was not pending."""
    lock_ledger(fill.venue_account_id)
    return _confirm(fill.venue_account, fill)


@transaction.atomic(durable=True)
def fill_void(*, fill: Fill, reason: str, at: datetime | None = None) -> FillVoid | None:
    """The venue took it back: cash and position return to what they would be without it. None when voided before."""
    lock_ledger(fill.venue_account_id)
    row = Fill.objects.select_related("venue_account__user", "order", "market").get(pk=fill.pk)
    return _void(row.venue_account, row, reason=reason, at=at or clock.now())


def fills_adopt(*, order: Order) -> int:
    """Part of the transaction that learnt this order's id at the venue, after the ledger's lock: count the fills that
    were told by that id before, those taken back since as voided (the venue goes on calling them filled). How many."""
    if not order.venue_order_id:
        return 0
    orphans = Fill.objects.filter(venue_account=order.venue_account, order=None, venue_order_id=order.venue_order_id)
    fills = list(orphans.order_by("id"))
    for fill in fills:
        fill.slippage_u = _slippage_u(order, fill)
        Fill.objects.filter(pk=fill.pk).update(order=order, slippage_u=fill.slippage_u)
        _count_on_order(order, fill)
        if fill.settle_state == SettleState.FAILED:
            _count_on_order(order, fill, sign=-1)
    if fills:
        stays = stays_refolded(order.venue_account, order.market)
        positions_store(order.venue_account, order.market, stays, at=fills[-1].venue_at)
    kill_point("P9.adopted_before_commit")
    return len(fills)


def _cut_otherwise(account: VenueAccount, report: FillReport) -> list[Fill]:
    """Booked parts of the same leg: whole ("taker") where it is told by price now ("taker@500000"), or by price where
    it is told whole. It is one execution, and booked already."""
    leg, by_price, _ = report.leg.partition("@")
    if not leg:
        return []
    same = Fill.objects.filter(venue_account=account, trade_id=report.trade_id).select_related("order", "market")
    return list((same.filter(leg=leg) if by_price else same.filter(leg__startswith=f"{leg}@")).order_by("id"))


def _alert_cut_otherwise(account: VenueAccount, booked: list[Fill], report: FillReport) -> None:
    parts = ", ".join(f"{part.qty_u} at {part.price_u}" for part in booked)
    alert_owner(
        account, code="fill_mismatch", title="A fill was reported again, cut another way", subject=booked[0],
        key=f"{booked[0].uid}:{report.leg}", body=f"Booked {parts}; told {report.qty_u} at {report.price_u}.",
    )  # fmt: skip


def _insert(account: VenueAccount, report: FillReport) -> Fill:
    order = find_order(account, client_order_id=report.client_order_id, venue_order_id=report.venue_order_id)
    report = report if order is None else _told_as(report, order)
    fill = Fill(
        venue_account=account,
        order=order,
        market=Market.objects.get(market_id=report.market_id),
        trade_id=report.trade_id,
        leg=report.leg,
        venue_order_id=report.venue_order_id,
        client_order_id=report.client_order_id,
        side=report.side,
        outcome=report.outcome,
        price_u=report.price_u,
        qty_u=report.qty_u,
        usd_u=usd_of(price_u=report.price_u, qty_u=report.qty_u),
        fee_u=report.fee_u,
        is_taker=report.is_taker,
        settle_state=SettleState.PENDING if report.settle_state is SettleState.FAILED else report.settle_state,
        venue_at=clock.from_ms(report.venue_ms),
    )
    fill.slippage_u = _slippage_u(order, fill) if order is not None else None
    fill.save()
    return fill


def _slippage_u(order: Order, fill: Fill) -> int | None:
    """Against the price decided on, in the order's own words. None where nothing was decided or the fill contradicts
    the order."""
    same_side, same_outcome = fill.side == order.side, fill.outcome == order.outcome
    if not order.decision_price_u or same_side is not same_outcome:
        return None
    price_u = fill.price_u if same_outcome else MICRO - fill.price_u
    return slippage_u(side=Side(order.side), decided_u=order.decision_price_u, price_u=price_u, qty_u=fill.qty_u)


def _told_as(report: FillReport, ours: Order | Fill) -> FillReport:
    """In the words of our own row: a venue that nets tells a purchase of NO as a sale of YES. One that contradicts our
    row is kept as it was told, and the comparison raises the alert."""
    try:
        return report.told_as(side=Side(ours.side), outcome=Outcome(ours.outcome))
    except ValueError:
        return report


def _move_position(account: VenueAccount, fill: Fill) -> int:
    """Fold the fill into its market's stays. Returns the cash it moved, µUSD, fee included."""
    stays = stays_kept(account, fill.market)
    cash_u = stays.take_fill(fill_fact(fill))
    if _must_refold(account, fill):
        stays = stays_refolded(account, fill.market)
    positions_store(account, fill.market, stays, at=fill.venue_at)
    if stays.nets:
        return cash_u
    # Without netting an execution moves its own price, whatever is held: also a sale that is told before its purchase.
    return (fill.usd_u if fill.side == Side.SELL else -fill.usd_u) - fill.fee_u


def _must_refold(account: VenueAccount, fill: Fill) -> bool:
    """True where fills or a settlement of this market are at or after this fill: folding it last would be wrong."""
    others = Fill.objects.filter(venue_account=account, market=fill.market).exclude(pk=fill.pk)
    if others.filter(venue_at__gte=fill.venue_at).exists():
        return True
    return Settlement.objects.filter(venue_account=account, market=fill.market).exists()


def _post_fill_cash(account: VenueAccount, fill: Fill, cash_u: int) -> None:
    ref = f"{fill.trade_id}/{fill.leg}"
    market_id = fill.market_id
    trade_u = cash_u + fill.fee_u
    post_cash(account, kind=CashKind.TRADE, amount_u=trade_u, ref=ref, at=fill.venue_at, market_id=market_id, fill=fill)
    post_cash(
        account, kind=CashKind.FEE, amount_u=-fill.fee_u, ref=ref, at=fill.venue_at, market_id=market_id, fill=fill
    )


def _count_on_order(order: Order, fill: Fill, *, sign: int = 1) -> None:
    """Add (or, for a void, take) the fill's amounts. All of the quantity executed is `filled`, whatever the order was
    called before; what was taken back afterwards was executed all the same."""
    sums: dict[str, Any] = {
        "filled_u": order.filled_u + sign * fill.qty_u,
        "filled_usd_u": order.filled_usd_u + sign * fill.usd_u,
        "fee_u": order.fee_u + sign * fill.fee_u,
        "slippage_u": order.slippage_u + sign * (fill.slippage_u or 0),
        "voided_u": order.voided_u + (fill.qty_u if sign < 0 else 0),
    }
    facts = {"trade_id": fill.trade_id, "qty_u": sign * fill.qty_u, "price_u": fill.price_u}
    status = OrderStatus(order.status)
    if order.is_external and sums["filled_u"] > order.qty_u:  # its owner enlarged it, and the fill was told first
        sums["qty_u"] = sums["filled_u"]
    if not may_fill(status) or sums["filled_u"] > sums.get("qty_u", order.qty_u):
        _alert_impossible(order, fill, sums["filled_u"])
    is_whole = sums["filled_u"] + sums["voided_u"] >= order.qty_u
    if is_whole and (may_move(status, OrderStatus.FILLED) or may_correct(status, OrderStatus.FILLED)):
        move_order(order, OrderStatus.FILLED, kind=FILLED, at=fill.venue_at, payload=facts, corrects=True, **sums)
    else:
        note_order(order, kind=FILLED if sign > 0 else "voided", payload=facts, **sums)


def _alert_impossible(order: Order, fill: Fill, filled_u: int) -> None:
    body = f"Order {order.client_order_id} is {order.status}, {order.qty_u} µcontracts; filled now {filled_u}."
    alert_owner(
        order.venue_account, code="impossible_fill", title="A fill that should not exist", subject=fill,
        key=str(fill.uid), body=body,
    )  # fmt: skip


def _compare(account: VenueAccount, known: Fill, report: FillReport) -> None:
    told = (report.side, report.outcome, report.price_u, report.qty_u, report.fee_u)
    kept = (known.side, known.outcome, known.price_u, known.qty_u, known.fee_u)
    if told != kept:
        alert_owner(
            account,
            code="fill_mismatch",
            title="A fill was reported again with other numbers",
            subject=known,
            key=f"{known.uid}:{report.price_u}:{report.qty_u}:{report.fee_u}",
            body=f"Booked {kept}, told {told}.",
        )


def _apply_settle_state(account: VenueAccount, fill: Fill, told: SettleState) -> None:
    if told is SettleState.CONFIRMED:
        _confirm(account, fill)
    elif told is SettleState.FAILED:
        row = Fill.objects.select_related("order", "market").get(pk=fill.pk)
        _void(account, row, reason="the venue reported it failed", at=clock.now())


def _confirm(account: VenueAccount, fill: Fill) -> bool:
    rows = Fill.objects.filter(pk=fill.pk, settle_state=SettleState.PENDING)
    if not rows.update(settle_state=SettleState.CONFIRMED):
        return False
    facts = {"trade_id": fill.trade_id, "leg": fill.leg}
    record_fact(account, kind="fill.confirmed", subject=fill, subject_type="fill", payload=facts, key=str(fill.uid))
    return True


def _void(account: VenueAccount, fill: Fill, *, reason: str, at: datetime) -> FillVoid | None:
    rows = Fill.objects.filter(pk=fill.pk).exclude(settle_state=SettleState.FAILED)
    if not rows.update(settle_state=SettleState.FAILED):
        return None
    void = FillVoid(fill=fill, reason=reason[:200])
    void.save()
    kill_point("P9.void_marked")
    for entry in CashEntry.objects.filter(fill=fill).exclude(kind=CashKind.VOID).order_by("id"):
        ref = f"{entry.kind}:{entry.ref}"
        post_cash(
            account,
            kind=CashKind.VOID,
            amount_u=-entry.amount_u,
            ref=ref,
            at=at,
            market_id=entry.market_id,
            fill=fill,
        )
    kill_point("P9.void_after_cash")
    positions_store(account, fill.market, stays_refolded(account, fill.market), at=fill.venue_at)
    if fill.order is not None:
        order = Order.objects.select_related("venue_account__user", "market__game").get(pk=fill.order.pk)
        _count_on_order(order, fill, sign=-1)
    record_fact(
        account, kind="fill.voided", subject=fill, subject_type="fill", payload={"reason": reason}, key=str(fill.uid)
    )
    kill_point("P9.void_before_commit")
    return void


def _facts(fill: Fill) -> dict[str, object]:
    return {
        "market_id": fill.market.market_id,
        "trade_id": fill.trade_id,
        "leg": fill.leg,
        "order": str(fill.order.uid) if fill.order else "",
        "side": fill.side,
        "outcome": fill.outcome,
        "price_u": fill.price_u,
        "qty_u": fill.qty_u,
        "fee_u": fill.fee_u,
        "slippage_u": fill.slippage_u,
    }
