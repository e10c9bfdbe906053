"""Our side of a comparison: what our rows say of one account, as of one moment.

`moving` are markets whose quantities are not final (a fill that may yet be taken back, a result that is being paid);
`is_busy` says that something happened within the last seconds: the venue may have moved its money first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q

from accounts.models import VenueAccount
from core import clock
from markets.models import Market
from trading.domain.reconciling import OurOrder, Ours, Quantities
from trading.models import AccountLedger, Fill, Order, OrderEvent, OrderStatus, OrphanedOrder, Position, Settlement
from trading.selectors.risk import WORKING
from trading.selectors.snapshot import one_snapshot
from venues.ports import OrderRef
from venues.types import MarketState, Outcome, SettleState, VenueMarket

RECENT = timedelta(seconds=3)
"""What is younger may be on its way between us and the venue."""
FINAL_WITHIN = timedelta(minutes=10)
"""A fill that is not final after this long is judged like any other."""
PAID_WITHIN = timedelta(hours=1)
"""Money is judged again this long after a market's end, though its payout has not come."""
BEING_SETTLED = (MarketState.CLOSED, MarketState.DETERMINED, MarketState.SETTLED)


def our_books(
    account: VenueAccount, *, since: datetime, venue_ids: Iterable[str], ledger: tuple[str, ...] = ()
) -> Ours:
    """`since`: from when on fills are compared, venue time. `venue_ids`: every order id that the venue named."""
    with one_snapshot():
        now = clock.now()
        return Ours(
            cash_u=_cash_u(account),
            positions=_positions(account),
            orders=tuple(_orders(account, now)),
            known_orders=known_orders(account, frozenset(venue_ids)),
            ended_orders=_ended_orders(account, frozenset(venue_ids), now),
            fills=_fills(account, since),
            moving=_moving(account, now),
            is_busy=_is_busy(account, now),
            ledger=ledger,
        )


def order_ref(order: Order) -> OrderRef:
    """What a venue needs to find one of our orders."""
    return OrderRef(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        market=order.market.venue_market,
        placed_ms=clock.to_ms(order.claimed_at),
    )


def orders_to_look_for(account: VenueAccount, *, older_than: timedelta) -> list[Order]:
    """Those that may be at the venue; not the newest, which its reads may not show yet."""
    sent = Order.objects.filter(venue_account=account, status__in=WORKING).exclude(sent_at=None, is_external=False)
    return list(sent.filter(created_at__lt=clock.now() - older_than).select_related("market").order_by("id"))


def markets_traded(account: VenueAccount) -> dict[str, VenueMarket]:
    """Every market that the account has an order or a fill in."""
    ids = {
        *Order.objects.filter(venue_account=account).values_list("market_id", flat=True).distinct(),
        *Fill.objects.filter(venue_account=account).values_list("market_id", flat=True).distinct(),
    }
    return {row.market_id: row.venue_market for row in Market.objects.filter(pk__in=ids)}


def last_fill_at(account: VenueAccount) -> datetime | None:
    return Fill.objects.filter(venue_account=account).order_by("-venue_at").values_list("venue_at", flat=True).first()


def pending_since(account: VenueAccount) -> datetime | None:
    """When the oldest fill that is not final was matched, venue time. However long ago that is, the venue may take it
    back, and a stream says so only once."""
    pending = Fill.objects.filter(venue_account=account, settle_state=SettleState.PENDING)
    return pending.order_by("venue_at").values_list("venue_at", flat=True).first()


def fills_known_to(account: VenueAccount) -> datetime | None:
    """Up to when nothing more is to be heard of what is booked, venue time; None where nothing is."""
    return pending_since(account) or last_fill_at(account)


def last_settlement_at(account: VenueAccount) -> datetime | None:
    rows = Settlement.objects.filter(venue_account=account).order_by("-venue_at")
    return rows.values_list("venue_at", flat=True).first()


def _cash_u(account: VenueAccount) -> int:
    row = AccountLedger.objects.filter(venue_account=account).first()
    return row.cash_u if row else 0


def _positions(account: VenueAccount) -> dict[str, Quantities]:
    held: dict[str, Quantities] = {}
    rows = Position.objects.filter(venue_account=account, is_open=True, qty_u__gt=0)
    for market_id, outcome, qty_u in rows.values_list("market__market_id", "outcome", "qty_u"):
        yes_u, no_u = held.get(market_id, (0, 0))
        held[market_id] = (yes_u + qty_u, no_u) if outcome == Outcome.YES else (yes_u, no_u + qty_u)
    return held


def _orders(account: VenueAccount, now: datetime) -> Iterable[OurOrder]:
    unseen = Q(venue_filled_u__gt=F("filled_u") + F("voided_u"))
    rows = Order.objects.filter(Q(status__in=WORKING) | unseen, venue_account=account).select_related("market")
    recent = OrderEvent.objects.filter(order__venue_account=account, created_at__gte=now - RECENT)
    busy = set(recent.values_list("order_id", flat=True))
    for row in rows.order_by("id"):
        yield OurOrder(
            name=row.client_order_id,
            venue_order_id=row.venue_order_id,
            market_id=row.market.market_id,
            is_open=row.status == OrderStatus.OPEN,
            is_busy=row.pk in busy,
            filled_u=row.filled_u,
            unseen_u=row.unseen_u,
        )


def known_orders(account: VenueAccount, venue_ids: frozenset[str]) -> frozenset[str]:
    """Those of the ids, ours or the venue's, that our books explain."""
    orders = Order.objects.filter(venue_account=account, venue_order_id__in=venue_ids)
    orphans = OrphanedOrder.objects.filter(venue_account=account, venue_order_id__in=venue_ids)
    named = Order.objects.filter(venue_account=account, client_order_id__in=venue_ids)
    return frozenset(
        [
            *orders.values_list("venue_order_id", flat=True),
            *orphans.values_list("venue_order_id", flat=True),
            *named.values_list("client_order_id", flat=True),
        ]
    )


def _ended_orders(account: VenueAccount, venue_ids: frozenset[str], now: datetime) -> frozenset[str]:
    """Those of the ids whose order of ours is over, and nothing was heard of it for a moment: it rests nowhere."""
    named = Q(venue_order_id__in=venue_ids - {""}) | Q(client_order_id__in=venue_ids - {""})
    over = Order.objects.filter(named, venue_account=account).exclude(status__in=WORKING)
    recent = OrderEvent.objects.filter(order__venue_account=account, created_at__gte=now - RECENT)
    names = over.exclude(pk__in=recent.values("order_id")).values_list("venue_order_id", "client_order_id")
    return frozenset(name for both in names for name in both if name)


def _fills(account: VenueAccount, since: datetime) -> dict[str, int]:
    rows = Fill.objects.filter(venue_account=account, venue_at__gte=since).exclude(settle_state=SettleState.FAILED)
    return {f"{trade_id}/{leg}": qty_u for trade_id, leg, qty_u in rows.values_list("trade_id", "leg", "qty_u")}


def _moving(account: VenueAccount, now: datetime) -> frozenset[str]:
    pending = Fill.objects.filter(venue_account=account, settle_state=SettleState.PENDING)
    pending = pending.filter(created_at__gte=now - FINAL_WITHIN)
    ending = Position.objects.filter(venue_account=account, is_open=True, market__state__in=BEING_SETTLED)
    return frozenset(
        [
            *pending.values_list("market__market_id", flat=True),
            *ending.values_list("market__market_id", flat=True),
        ]
    )


def _is_busy(account: VenueAccount, now: datetime) -> bool:
    fills = Fill.objects.filter(venue_account=account)
    if fills.filter(Q(created_at__gte=now - RECENT)).exists():
        return True
    if fills.filter(settle_state=SettleState.PENDING, created_at__gte=now - FINAL_WITHIN).exists():
        return True
    if OrderEvent.objects.filter(order__venue_account=account, created_at__gte=now - RECENT).exists():
        return True
    ending = Position.objects.filter(venue_account=account, is_open=True, market__state__in=BEING_SETTLED)
    return ending.filter(market__updated_at__gte=now - PAID_WITHIN).exists()
