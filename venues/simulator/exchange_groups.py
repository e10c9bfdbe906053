"""Order groups: a limit on what may match within a rolling window, and one switch that takes all its orders off.

When the matches of the last 15 s exceed the limit the group is triggered: its orders are canceled and new ones
refused until it is reset. Source: Kalshi FACTS §3.8.
"""

from __future__ import annotations

from collections import deque

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_types import ExchangeReject, GroupChange, GroupChanged, GroupView, Reason, RejectCode
from venues.simulator.ledger import Account
from venues.types import OrderState


class Group:
    """`matches` are `(when_ms, qty_u)` of the window; they are not kept across a restart."""

    __slots__ = ("account", "group_id", "is_triggered", "limit_u", "matches", "shard")

    def __init__(self, group_id: str, account: Account, limit_u: int, shard: int) -> None:
        self.group_id = group_id
        self.account = account
        self.limit_u = limit_u
        self.shard = shard
        self.is_triggered = False
        self.matches: deque[tuple[int, int]] = deque()

    def open_orders(self) -> list[Order]:
        return [
            order
            for orders in self.account.open_orders.values()
            for order in orders.values()
            if order.group_id == self.group_id
        ]

    def view(self) -> GroupView:
        return GroupView(
            group_id=self.group_id,
            account_id=self.account.account_id,
            shard=self.shard,
            limit_u=self.limit_u,
            is_triggered=self.is_triggered,
            order_ids=tuple(order.order_id for order in self.open_orders()),
        )


class Groups:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._groups: dict[str, Group] = {}

    def create(self, account_id: str, limit_u: int, shard: int, now_ms: int) -> GroupView:
        account = self._floor.account(account_id)
        group = Group(self._floor.derive_id("group", account), account, limit_u, shard)
        self._groups[group.group_id] = group
        return self._tell(group, GroupChange.CREATED, now_ms)

    def trigger(self, account_id: str, group_id: str, now_ms: int) -> None:
        self._trigger(self._find(account_id, group_id), now_ms)

    def reset(self, account_id: str, group_id: str, now_ms: int) -> None:
        group = self._find(account_id, group_id)
        group.is_triggered = False
        group.matches.clear()
        self._tell(group, GroupChange.RESET, now_ms)

    def set_limit(self, account_id: str, group_id: str, limit_u: int, now_ms: int) -> None:
        group = self._find(account_id, group_id)
        group.limit_u = limit_u
        self._tell(group, GroupChange.LIMIT_UPDATED, now_ms)
        if self._matched_u(group, now_ms) > limit_u and not group.is_triggered:
            self._trigger(group, now_ms)

    def delete(self, account_id: str, group_id: str, now_ms: int) -> None:
        group = self._find(account_id, group_id)
        self._cancel_orders(group, now_ms)
        del self._groups[group_id]
        self._tell(group, GroupChange.DELETED, now_ms)

    def of(self, account_id: str) -> list[GroupView]:
        return [group.view() for group in self._groups.values() if group.account.account_id == account_id]

    def view(self, account_id: str, group_id: str) -> GroupView:
        return self._find(account_id, group_id).view()

    def check(self, account: Account, group_id: str) -> None:
        """Raises GROUP_NOT_FOUND or GROUP_TRIGGERED for an order that wants to join."""
        if not group_id:
            return
        group = self._groups.get(group_id)
        if group is None or group.account.account_id != account.account_id:
            raise ExchangeReject(RejectCode.GROUP_NOT_FOUND, group_id)
        if group.is_triggered:
            raise ExchangeReject(RejectCode.GROUP_TRIGGERED, group_id)

    def is_triggered(self, order: Order) -> bool:
        return bool(order.group_id) and self._groups[order.group_id].is_triggered

    def count(self, order: Order, qty_u: int, now_ms: int) -> None:
        """Note a match of an order; trigger its group when the window's limit is exceeded."""
        if not order.group_id:
            return
        group = self._groups[order.group_id]
        group.matches.append((now_ms, qty_u))
        if self._matched_u(group, now_ms) > group.limit_u and not group.is_triggered:
            self._trigger(group, now_ms)

    def put_back(self, view: GroupView) -> None:
        group = Group(view.group_id, self._floor.account(view.account_id), view.limit_u, view.shard)
        group.is_triggered = view.is_triggered
        self._groups[view.group_id] = group

    def _find(self, account_id: str, group_id: str) -> Group:
        group = self._groups.get(group_id)
        if group is None or group.account.account_id != account_id:
            raise ExchangeReject(RejectCode.NO_SUCH_GROUP, group_id)
        return group

    def _matched_u(self, group: Group, now_ms: int) -> int:
        while group.matches and group.matches[0][0] <= now_ms - self._floor.rules.group_window_ms:
            group.matches.popleft()
        return sum(qty_u for _, qty_u in group.matches)

    def _trigger(self, group: Group, now_ms: int) -> None:
        group.is_triggered = True
        self._cancel_orders(group, now_ms)
        self._tell(group, GroupChange.TRIGGERED, now_ms)

    def _cancel_orders(self, group: Group, now_ms: int) -> None:
        for order in group.open_orders():
            if order.state is OrderState.RESTING:
                self._floor.close(order, OrderState.CANCELED, Reason.GROUP_TRIGGERED, now_ms)

    def _tell(self, group: Group, change: GroupChange, now_ms: int) -> GroupView:
        view = group.view()
        self._floor.publish(GroupChanged(view, change, now_ms))
        return view
