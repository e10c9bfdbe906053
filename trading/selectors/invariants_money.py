"""INV-20 to INV-29: fills, cash, positions and reservations, added up anew from their rows. Integers, to the last µ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from django.db.models import Count, F, Q, Sum

from accounts.models import VenueAccount
from trading.models import AccountLedger, CashEntry, CashKind, Fill, FillVoid, Order, PnlDay, Position, Settlement
from trading.selectors.risk import WORKING
from trading.selectors.venue_rules import nets_yes_and_no
from venues.types import MICRO, Outcome, SettleState, Side

_FLOWS = (CashKind.TRADE, CashKind.FEE)


def each_fill_once() -> Iterator[str]:
    for row in (
        Fill.objects.order_by().values("venue_account_id", "trade_id", "leg").annotate(n=Count("id")).filter(n__gt=1)
    ):
        yield f"trade {row['trade_id']} ({row['leg']}) is booked {row['n']} times"


def cash_is_the_sum_of_its_entries() -> Iterator[str]:
    for ledger in AccountLedger.objects.all():
        entries_u = CashEntry.objects.filter(venue_account_id=ledger.venue_account_id).aggregate(
            u=Sum("amount_u", default=0)
        )["u"]
        if ledger.cash_u != entries_u:
            account = ledger.venue_account_id
            yield f"account {account}: the ledger says {ledger.cash_u} µUSD, its entries {entries_u}"


def every_fill_moved_its_cash() -> Iterator[str]:
    """The fee is the one that was told; the price is the fill's, with the dollar that a netting venue pays at once."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for fill_id, kind, amount_u in CashEntry.objects.exclude(fill=None).values_list("fill_id", "kind", "amount_u"):
        sums[fill_id, kind] += amount_u
    for fill in Fill.objects.select_related("venue_account"):
        if sums[fill.pk, CashKind.FEE] != -fill.fee_u:
            yield f"fill {fill.pk}: its fee is {fill.fee_u} µUSD, booked were {-sums[fill.pk, CashKind.FEE]}"
        moved_u = sums[fill.pk, CashKind.TRADE]
        if not nets_yes_and_no(fill.venue_account.venue) and moved_u != _price_u(fill):
            yield f"fill {fill.pk} moved {moved_u} µUSD instead of {_price_u(fill)}"


def _price_u(fill: Fill) -> int:
    amount_u = fill.price_u * fill.qty_u // MICRO
    return amount_u if fill.side == Side.SELL else -amount_u


def cash_of_netted_markets() -> Iterator[str]:
    """Where YES and NO net, a market's trades moved what all of them, told as YES, moved, with the dollars paid in."""
    for account in VenueAccount.objects.all():
        if nets_yes_and_no(account.venue):
            yield from _netted_cash(account)


def _netted_cash(account: VenueAccount) -> Iterator[str]:
    expected_u: dict[int, int] = defaultdict(int)
    net_u: dict[int, int] = defaultdict(int)
    for fill in Fill.objects.filter(venue_account=account).exclude(settle_state=SettleState.FAILED):
        is_yes = fill.outcome == Outcome.YES
        yes_price_u = fill.price_u if is_yes else MICRO - fill.price_u
        signed_u = fill.qty_u if (fill.side == Side.BUY) == is_yes else -fill.qty_u
        expected_u[fill.market_id] -= yes_price_u * signed_u
        net_u[fill.market_id] += signed_u
    moved = CashEntry.objects.filter(venue_account=account, kind=CashKind.TRADE, fill__isnull=False)
    moved = moved.exclude(fill__settle_state=SettleState.FAILED).order_by()
    for market_id, moved_u in moved.values_list("market_id").annotate(u=Sum("amount_u")):
        # What is held as NO was paid for in NO: a dollar less per contract than its sale as YES would have brought.
        held_no_u = max(0, -net_u[market_id]) * MICRO
        wanted_u = expected_u[market_id] - held_no_u
        fills = Fill.objects.filter(venue_account=account, market_id=market_id).count()
        if abs(moved_u * MICRO - wanted_u) > fills * MICRO:
            yield f"account {account.pk}, market {market_id}: trades moved {moved_u} µUSD, not {wanted_u // MICRO}"


def positions_are_what_fills_left() -> Iterator[str]:
    """Per market: what was bought less what was sold is what is held; nothing after a settlement."""
    settled = set(Settlement.objects.values_list("venue_account_id", "market_id"))
    venues = dict(VenueAccount.objects.values_list("id", "venue"))
    left: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: {"yes": 0, "no": 0})
    for fill in Fill.objects.exclude(settle_state=SettleState.FAILED):
        sign = 1 if fill.side == Side.BUY else -1
        left[fill.venue_account_id, fill.market_id][fill.outcome] += sign * fill.qty_u
    for row in Position.objects.filter(is_open=True):
        left[row.venue_account_id, row.market_id][row.outcome] -= 0 if _is_settled(row, settled) else row.qty_u
    for (account_id, market_id), rest in left.items():
        if (account_id, market_id) in settled:
            continue
        off_u = rest["yes"] - rest["no"] if nets_yes_and_no(venues[account_id]) else rest["yes"] or rest["no"]
        if off_u:
            yield f"account {account_id}, market {market_id}: positions are {off_u} µcontracts off their fills"


def _is_settled(row: Position, settled: set[tuple[int, int]]) -> bool:
    return (row.venue_account_id, row.market_id) in settled


def every_entry_has_its_reason() -> Iterator[str]:
    """Money is never moved by itself: a trade or fee has its fill, a void its void, a payout its settlement."""
    entries = CashEntry.objects.order_by("id")
    for entry in entries.filter(kind__in=[*_FLOWS, CashKind.VOID], fill=None):
        yield f"cash entry {entry.pk} ({entry.kind}, {entry.amount_u} µUSD) has no fill"
    voided = set(FillVoid.objects.values_list("fill_id", flat=True))
    for entry in entries.filter(kind=CashKind.VOID).exclude(fill__in=voided).exclude(fill=None):
        yield f"cash entry {entry.pk} takes fill {entry.fill_id} back, which was never voided"
    settled = set(Settlement.objects.values_list("venue_account_id", "market_id"))
    for entry in entries.filter(kind=CashKind.SETTLEMENT):
        if (entry.venue_account_id, entry.market_id) not in settled:
            yield f"cash entry {entry.pk} pays {entry.amount_u} µUSD for a market that is not settled"


def reserved_is_the_sum_of_orders() -> Iterator[str]:
    for ledger in AccountLedger.objects.all():
        orders = Order.objects.filter(venue_account_id=ledger.venue_account_id)
        held_u = orders.aggregate(u=Sum("reserved_u", default=0))["u"]
        if held_u != ledger.reserved_u:
            yield f"account {ledger.venue_account_id} reserves {ledger.reserved_u} µUSD, its orders hold {held_u}"
    for row in Order.objects.filter(Q(reserved_u__gt=0) | Q(status__in=WORKING, max_cost_u__gt=0)):
        left_u = row.qty_u - row.filled_u if row.is_working else row.unseen_u
        wanted_u = -(-row.max_cost_u * left_u // row.qty_u)
        if row.reserved_u != wanted_u:
            yield f"order {row.pk} ({row.status}) holds {row.reserved_u} µUSD; what it may still cost is {wanted_u}"


def results_add_up() -> Iterator[str]:
    """Cash now less what was paid in is what was earned, less what is held at cost."""
    for ledger in AccountLedger.objects.all():
        account_id = ledger.venue_account_id
        paid_in = CashEntry.objects.filter(
            venue_account_id=account_id, kind__in=[CashKind.OPENING, CashKind.EXTERNAL]
        ).aggregate(u=Sum("amount_u", default=0))["u"]
        held = Position.objects.filter(venue_account_id=account_id).aggregate(
            earned_u=Sum("realized_u", default=0),
            cost_u=Sum(F("paid_u") + F("fees_u"), filter=Q(is_open=True), default=0),
        )
        expected_u = paid_in + held["earned_u"] - held["cost_u"]
        if ledger.cash_u != expected_u:
            yield f"account {account_id}: cash is {ledger.cash_u} µUSD; paid in, earned and held say {expected_u}"
        days_u = PnlDay.objects.filter(venue_account_id=account_id).aggregate(u=Sum("realized_u", default=0))["u"]
        if days_u != held["earned_u"]:
            yield f"account {account_id}: days sum up to {days_u} µUSD, positions earned {held['earned_u']}"


def settled_markets_are_over() -> Iterator[str]:
    for row in Settlement.objects.all():
        same = {"venue_account_id": row.venue_account_id, "market_id": row.market_id}
        for held in Position.objects.filter(is_open=True, qty_u__gt=0, **same):
            yield f"position {held.pk}: {held.qty_u} µcontracts are held in market {row.market_id}, which is settled"
        paid = CashEntry.objects.filter(kind=CashKind.SETTLEMENT, **same).aggregate(u=Sum("amount_u", default=0))["u"]
        if paid < row.payout_u:
            yield f"settlement {row.pk} pays {row.payout_u} µUSD, booked were {paid}"


def voids_undo_their_fills() -> Iterator[str]:
    """Both sides stay visible and net to nothing."""
    for fill in Fill.objects.filter(settle_state=SettleState.FAILED, void=None):
        yield f"fill {fill.pk} failed and no void was booked"
    for void in FillVoid.objects.select_related("fill"):
        if void.fill.settle_state != SettleState.FAILED:
            yield f"fill {void.fill_id} was voided and counts as {void.fill.settle_state}"
        rest_u = CashEntry.objects.filter(fill=void.fill).aggregate(u=Sum("amount_u", default=0))["u"]
        if rest_u:
            yield f"fill {void.fill_id} was voided and {rest_u} µUSD of it remain"


def fills_moved_all_their_cash() -> Iterator[str]:
    yield from every_fill_moved_its_cash()
    yield from cash_of_netted_markets()


MONEY: Mapping[str, Callable[[], Iterator[str]]] = {
    "INV-20": each_fill_once,
    "INV-21": fills_moved_all_their_cash,
    "INV-22": positions_are_what_fills_left,
    "INV-23": every_entry_has_its_reason,
    "INV-24": reserved_is_the_sum_of_orders,
    "INV-25": results_add_up,
    "INV-27": settled_markets_are_over,
    "INV-28": voids_undo_their_fills,
    "INV-29": cash_is_the_sum_of_its_entries,
}
