"""Order groups: orders that the venue cancels together, our fence against a trader that lost its lease.

A group counts the contracts matched in 15 s and, above its limit or when triggered by hand, cancels its orders and
refuses new ones until it is reset. A fence is one group per exchange shard under one token. Triggering is a cancel: it
uses the tokens kept for cancels. Whether a request already under way is refused as well is not documented.
Source: docs.kalshi.com, order groups.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from venues.errors import Fenced, NotFoundAtVenue, VenueError
from venues.kalshi.constants import ORDER_GROUPS
from venues.kalshi.numbers import count_text
from venues.kalshi.orders import fence_token, groups_of
from venues.kalshi.parse_account import parse_group, parse_group_detail
from venues.kalshi.rest import KalshiRest
from venues.kalshi.schemas_portfolio import CreateGroupReply, GroupReply, GroupsReply
from venues.kalshi.values import OrderGroup

GONE = 404
LARGEST_LIMIT_U = 1_000_000_000_000
"""1,000,000 contracts in 15 s: a fence that only we trigger."""

LIMIT_STEP_U = 10_000
"""Hundredths of a contract, as in every count on this wire."""

_EMPTY = b"{}"


class OrderGroups:
    """The groups of one account. Every method raises the errors of a write or a read."""

    def __init__(self, rest: KalshiRest) -> None:
        self._rest = rest
        self._removed: set[str] = set()

    async def create(self, *, shard: int = 0, limit_u: int = LARGEST_LIMIT_U) -> str:
        """A new group on a shard; returns its id."""
        body = msgspec.json.encode({"contracts_limit_fp": count_text(limit_u), "exchange_index": shard})
        path = f"{ORDER_GROUPS}/create"
        reply = await self._rest.order_write("POST", path, shard=shard, body=body)
        if reply.status not in (200, 201):
            raise self._rest.write_failure(reply)
        return self._rest.read_reply(reply, CreateGroupReply).order_group_id

    async def list(self) -> list[OrderGroup]:
        """All groups of the account, without their orders."""
        reply = await self._rest.get(ORDER_GROUPS, GroupsReply)
        return [parse_group(group) for group in reply.order_groups]

    async def get(self, group_id: str) -> OrderGroup:
        """One group with the ids of its orders. Raises NotFoundAtVenue."""
        return parse_group_detail(group_id, await self._rest.get(f"{ORDER_GROUPS}/{group_id}", GroupReply))

    async def reset(self, group_id: str, *, shard: int = 0) -> None:
        """Count from zero and take orders again."""
        await self._change("PUT", f"{ORDER_GROUPS}/{group_id}/reset", shard=shard, body=_EMPTY)

    async def trigger(self, group_id: str, *, shard: int = 0) -> None:
        """Cancel the group's orders and refuse new ones until a reset."""
        await self._change("PUT", f"{ORDER_GROUPS}/{group_id}/trigger", shard=shard, body=_EMPTY)

    async def set_limit(self, group_id: str, *, limit_u: int, shard: int = 0) -> None:
        """Change how many contracts may match in 15 s."""
        body = msgspec.json.encode({"contracts_limit_fp": count_text(limit_u)})
        await self._change("PUT", f"{ORDER_GROUPS}/{group_id}/limit", shard=shard, body=body)

    async def delete(self, group_id: str, *, shard: int = 0) -> None:
        """Cancel the group's orders and remove it."""
        await self._change("DELETE", f"{ORDER_GROUPS}/{group_id}", shard=shard, body=None)

    async def open_fence(self, shards: Iterable[int], *, limit_u: int = LARGEST_LIMIT_U) -> str:
        """A new fence: one group on each shard. Returns the token for `OrderRequest.fence_token`.

        Where a shard refuses, the groups of the others are removed again.
        """
        opened: dict[int, str] = {}
        try:
            for shard in sorted(set(shards)):
                opened[shard] = await self.create(shard=shard, limit_u=limit_u)
        except VenueError:
            with suppress(VenueError):
                await self.close_fence(fence_token(opened))
            raise
        return fence_token(opened)

    async def close_fence(self, token: str) -> None:
        """Trigger every group of a fence, so that later orders are refused, then delete it, which a read can prove.

        A group that is gone (404, whatever the code says of it) is closed; `is_fence_closed` proves it. Shards do not
        wait for each other. A group that went is not asked again, so that closing a fence anew costs tokens only for
        what is left of it. Raises the errors of a write: some groups may be open still.
        """
        steps = (self._remove(group_id, shard) for shard, group_id in groups_of(token).items())
        for outcome in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def is_fence_closed(self, token: str) -> bool:
        """True when no group of the fence is found by its id, nor in the list of all, which must be readable."""
        group_ids = set(groups_of(token).values())
        if not group_ids:
            return False
        for group_id in group_ids:
            try:
                await self.get(group_id)
            except NotFoundAtVenue:
                continue
            self._removed.discard(group_id)
            return False
        listed = group_ids.intersection(group.group_id for group in await self.list())
        self._removed -= listed
        return not listed

    async def _remove(self, group_id: str, shard: int) -> None:
        if group_id in self._removed:
            return
        for shut in (self.trigger, self.delete):
            try:
                await shut(group_id, shard=shard)
            except VenueError as error:
                if error.status != GONE and not isinstance(error, Fenced):
                    raise
        self._removed.add(group_id)

    async def _change(self, method: str, path: str, *, shard: int, body: bytes | None) -> None:
        reply = await self._rest.cancel_write(method, path, shard=shard, body=body, params={"exchange_index": shard})
        if reply.status not in (200, 204):
            raise self._rest.write_failure(reply)
