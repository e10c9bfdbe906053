"""Who owns what: cash per shard, contracts per market, and every cent's reason.

Cash moves only through `Ledger.move`, which writes an entry for client accounts, so an account's cash is the fold of
its entries. Contracts are paid for out of escrow: each pair of YES and NO that exists holds exactly $1 there.

Invariant: Σ cash + Σ escrow of markets + fees + dust == deposits (`imbalance_u` is 0).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from venues.simulator.exchange_types import (
    EntryView,
    FillView,
    PositionView,
    SettlementView,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from venues.simulator.exchange_book import Order


class Position:
    """Contracts of one account in one market, with what they cost. `unmined_*` of them cannot be sold yet."""

    __slots__ = (
        "fees_u",
        "native_id",
        "no_cost_u",
        "no_qty_u",
        "realized_u",
        "traded_qty_u",
        "traded_usd_u",
        "unmined_no_u",
        "unmined_yes_u",
        "updated_ms",
        "yes_cost_u",
        "yes_qty_u",
    )

    def __init__(self, native_id: str) -> None:
        self.native_id = native_id
        self.yes_qty_u = self.no_qty_u = 0
        self.yes_cost_u = self.no_cost_u = 0
        self.unmined_yes_u = self.unmined_no_u = 0
        self.realized_u = self.fees_u = 0
        self.traded_usd_u = self.traded_qty_u = 0
        self.updated_ms = 0

    @property
    def net_u(self) -> int:
        return self.yes_qty_u - self.no_qty_u

    def held_u(self, *, is_yes: bool) -> int:
        return self.yes_qty_u if is_yes else self.no_qty_u

    def sellable_u(self, *, is_yes: bool) -> int:
        return self.yes_qty_u - self.unmined_yes_u if is_yes else self.no_qty_u - self.unmined_no_u

    def add(self, *, is_yes: bool, qty_u: int, cost_u: int) -> None:
        if is_yes:
            self.yes_qty_u += qty_u
            self.yes_cost_u += cost_u
        else:
            self.no_qty_u += qty_u
            self.no_cost_u += cost_u

    def remove(self, *, is_yes: bool, qty_u: int, proceeds_u: int) -> None:
        """Give up contracts at average cost; what they brought beyond it is realized."""
        held_u = self.held_u(is_yes=is_yes)
        cost_u = (self.yes_cost_u if is_yes else self.no_cost_u) * qty_u // held_u if held_u else 0
        self.add(is_yes=is_yes, qty_u=-qty_u, cost_u=-cost_u)
        self.realized_u += proceeds_u - cost_u

    def mark_unmined(self, *, is_yes: bool, qty_u: int) -> None:
        """Contracts bought but not on chain yet (positive), or arrived (negative)."""
        if is_yes:
            self.unmined_yes_u = max(0, self.unmined_yes_u + qty_u)
        else:
            self.unmined_no_u = max(0, self.unmined_no_u + qty_u)

    def view(self, account_id: str) -> PositionView:
        return PositionView(
            account_id=account_id,
            native_id=self.native_id,
            yes_qty_u=self.yes_qty_u,
            no_qty_u=self.no_qty_u,
            yes_cost_u=self.yes_cost_u,
            no_cost_u=self.no_cost_u,
            unmined_yes_u=self.unmined_yes_u,
            unmined_no_u=self.unmined_no_u,
            realized_u=self.realized_u,
            fees_u=self.fees_u,
            traded_usd_u=self.traded_usd_u,
            traded_qty_u=self.traded_qty_u,
            updated_ms=self.updated_ms,
        )

    def put_back(self, view: PositionView) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(view, name))


class Account:
    """One owner. `reserves` is what its open orders hold per market (netting venues)."""

    __slots__ = (
        "account_id",
        "cash",
        "client_ids",
        "entries",
        "fees_u",
        "fills",
        "ids_made",
        "is_house",
        "open_orders",
        "orders",
        "positions",
        "quotes",
        "reserves",
        "settlements",
    )

    def __init__(self, account_id: str, *, is_house: bool) -> None:
        self.account_id = account_id
        self.is_house = is_house
        self.cash: dict[int, int] = {}
        self.positions: dict[str, Position] = {}
        self.orders: dict[str, Order] = {}
        self.open_orders: dict[str, dict[int, Order]] = {}
        self.quotes: dict[str, dict[tuple[bool, int], Order]] = {}
        self.client_ids: dict[str, str] = {}
        self.reserves: dict[str, tuple[int, int]] = {}
        self.fills: dict[tuple[str, str], FillView] = {}
        self.settlements: list[SettlementView] = []
        self.entries: list[EntryView] = []
        self.fees_u = 0
        self.ids_made = 0

    def is_settled(self, native_id: str) -> bool:
        """This market's settlement was told to it already, perhaps before a restart that forgot the result."""
        return any(settlement.native_id == native_id for settlement in self.settlements)

    def position(self, native_id: str) -> Position:
        position = self.positions.get(native_id)
        if position is None:
            position = self.positions[native_id] = Position(native_id)
        return position

    def open_in(self, native_id: str) -> list[Order]:
        """Resting and delayed orders of one market, oldest first."""
        return list(self.open_orders.get(native_id, {}).values())

    def reserved_u(self, shard: int, *, without: str = "") -> int:
        return sum(held_u for native_id, (at, held_u) in self.reserves.items() if at == shard and native_id != without)


class Ledger:
    """All accounts, and where the rest of the money is."""

    def __init__(self, entry_listener: Callable[[EntryView], None]) -> None:
        self.accounts: dict[str, Account] = {}
        self.fees_u = 0
        self.dust_u = 0
        self.deposits_u = 0
        self._entry_seq = 0
        self._entry_listener = entry_listener

    def deposit(self, account: Account, shard: int, amount_u: int, now_ms: int) -> None:
        """Money from outside, or with a minus back to there."""
        self.deposits_u += amount_u
        kind = "deposit" if amount_u > 0 else "withdrawal"
        self.move(account, shard, amount_u, kind=kind, ref="", now_ms=now_ms)

    def move(self, account: Account, shard: int, amount_u: int, *, kind: str, ref: str, now_ms: int) -> None:
        """Change an account's cash; the counterpart (escrow, fees, another account) is the caller's duty."""
        account.cash[shard] = account.cash.get(shard, 0) + amount_u
        if account.is_house or not amount_u:
            return
        self._entry_seq += 1
        entry = EntryView(
            seq=self._entry_seq,
            account_id=account.account_id,
            shard=shard,
            kind=kind,
            amount_u=amount_u,
            ref=ref,
            venue_ms=now_ms,
        )
        account.entries.append(entry)
        self._entry_listener(entry)

    def put_back(self, account: Account, entries: Iterable[EntryView]) -> None:
        """Restore an account's cash from its entries, as deposits: what its contracts cost is in escrow again."""
        for entry in entries:
            account.entries.append(entry)
            account.cash[entry.shard] = account.cash.get(entry.shard, 0) + entry.amount_u
            self.deposits_u += entry.amount_u
            self._entry_seq = max(self._entry_seq, entry.seq)

    def imbalance_u(self, escrows_u: Iterable[int]) -> int:
        cash_u = sum(sum(account.cash.values()) for account in self.accounts.values())
        return self.deposits_u - cash_u - sum(escrows_u) - self.fees_u - self.dust_u
