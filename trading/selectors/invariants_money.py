"""INV-20 to INV-29: fills, cash, positions and reservations, added up anew from their rows. Integers, to the last µ.

Of a sum that does not agree the words tell how far it is off, not the sum: they stay the same while trading goes on, so
that a second look finds them again, and a person who has explained a gap is not stopped by it anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import BigIntegerField, Count, F, Model, OuterRef, Q, Subquery, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from accounts.models import VenueAccount
from trading.models import AccountLedger, CashEntry, CashKind, Fill, FillVoid, Order, PnlDay, Position, Settlement
from trading.selectors.risk import WORKING
from trading.selectors.snapshot import one_snapshot
from trading.selectors.venue_rules import nets_yes_and_no
from venues.types import MICRO, Outcome, SettleState, Side

_FLOWS = (CashKind.TRADE, CashKind.FEE)


def each_fill_once() -> Iterator[str]:
    for row in (
        Fill.objects.order_by().values("venue_account_id", "trade_id", "leg").annotate(n=Count("id")).filter(n__gt=1)
    ):
        yield f"trade {row['trade_id']} ({row['leg']}) is booked {row['n']} times"


def cash_is_the_sum_of_its_entries() -> Iterator[str]:
    for account_id, off_u in _off(F("cash_u") - _sum_of(CashEntry, "amount_u")):
        yield f"account {account_id}: the ledger's cash is {off_u} µUSD off its entries"


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
    counts: Counter[int] = Counter()
    moved = CashEntry.objects.filter(venue_account=account, kind=CashKind.TRADE, fill__isnull=False)
    moved = moved.exclude(fill__settle_state=SettleState.FAILED).order_by()
    with one_snapshot():
        fills = list(Fill.objects.filter(venue_account=account))
        sums = list(moved.values_list("market_id").annotate(u=Sum("amount_u")))
    for fill in fills:
        counts[fill.market_id] += 1
        if fill.settle_state == SettleState.FAILED:
            continue
        is_yes = fill.outcome == Outcome.YES
        yes_price_u = fill.price_u if is_yes else MICRO - fill.price_u
        signed_u = fill.qty_u if (fill.side == Side.BUY) == is_yes else -fill.qty_u
        expected_u[fill.market_id] -= yes_price_u * signed_u
        net_u[fill.market_id] += signed_u
    for market_id, moved_u in sums:
        # What is held as NO was paid for in NO: a dollar less per contract than its sale as YES would have brought.
        held_no_u = max(0, -net_u[market_id]) * MICRO
        wanted_u = expected_u[market_id] - held_no_u
        if abs(moved_u * MICRO - wanted_u) > counts[market_id] * MICRO:
            off_u = moved_u - wanted_u // MICRO
            yield f"account {account.pk}, market {market_id}: what its trades moved is {off_u} µUSD off"


def positions_are_what_fills_left() -> Iterator[str]:
    """Per market: what was bought less what was sold is what is held; nothing after a settlement."""
    left: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: {"yes": 0, "no": 0})
    with one_snapshot():
        fills = list(Fill.objects.exclude(settle_state=SettleState.FAILED))
        positions = list(Position.objects.filter(is_open=True))
        settled = set(Settlement.objects.values_list("venue_account_id", "market_id"))
        venues = dict(VenueAccount.objects.values_list("id", "venue"))
    for fill in fills:
        sign = 1 if fill.side == Side.BUY else -1
        left[fill.venue_account_id, fill.market_id][fill.outcome] += sign * fill.qty_u
    for row in positions:
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
    for account_id, off_u in _off(F("reserved_u") - _sum_of(Order, "reserved_u")):
        yield f"account {account_id}: what it reserves is {off_u} µUSD off what its orders hold"
    for row in Order.objects.filter(Q(reserved_u__gt=0) | Q(status__in=WORKING, max_cost_u__gt=0)):
        left_u = row.qty_u - row.filled_u if row.is_working else row.unseen_u
        wanted_u = -(-row.max_cost_u * left_u // row.qty_u)
        if off_u := row.reserved_u - wanted_u:
            yield f"order {row.pk} ({row.status}): what it holds is {off_u} µUSD off what it may still cost"


def results_add_up() -> Iterator[str]:
    """Cash now less what was paid in is what was earned, less what is held at cost."""
    paid_in_u = _sum_of(CashEntry, "amount_u", kind__in=[CashKind.OPENING, CashKind.EXTERNAL])
    earned_u = _sum_of(Position, "realized_u")
    held_u = _sum_of(Position, F("paid_u") + F("fees_u"), is_open=True)
    for account_id, off_u in _off(F("cash_u") - paid_in_u - earned_u + held_u):
        yield f"account {account_id}: cash is {off_u} µUSD off what was paid in and earned, less what is held"
    for account_id, off_u in _off(_sum_of(PnlDay, "realized_u") - earned_u):
        yield f"account {account_id}: what its days earned is {off_u} µUSD off what its positions did"


def _off(difference: Any) -> list[tuple[int, int]]:
    """The accounts where it is not zero, and how much it is, µUSD. One statement: between the sums nothing moves."""
    rows = AccountLedger.objects.annotate(off_u=difference).exclude(off_u=0).order_by("venue_account_id")
    return [(account_id, int(off_u)) for account_id, off_u in rows.values_list("venue_account_id", "off_u")]


def _sum_of(rows: type[Model], amount: str | Combinable, **which: Any) -> Coalesce:
    """Of the account's own rows, in the statement of `_off`."""
    own = rows._default_manager.filter(venue_account=OuterRef("venue_account"), **which).order_by()
    sums = own.values("venue_account").annotate(u=Sum(amount)).values("u")
    return Coalesce(Subquery(sums), 0, output_field=BigIntegerField())


def settled_markets_are_over() -> Iterator[str]:
    for row in Settlement.objects.select_related("market"):
        same = {"venue_account_id": row.venue_account_id, "market_id": row.market_id}
        for held in Position.objects.filter(is_open=True, qty_u__gt=0, **same):
            yield f"position {held.pk}: {held.qty_u} µcontracts are held in market {row.market_id}, which is settled"
        entries = list(CashEntry.objects.filter(kind=CashKind.SETTLEMENT, **same).order_by("at", "id"))
        # What was paid in all is named by the last part's reference; the first part's is the market alone.
        parts = entries[-1].ref.removeprefix(row.market.market_id).split(":") if entries else []
        told_u = int(parts[1]) if len(parts) > 1 else row.payout_u
        if told_u != (paid_u := sum(entry.amount_u for entry in entries)):
            yield f"settlement {row.pk} pays {told_u} µUSD, booked were {paid_u}"


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
