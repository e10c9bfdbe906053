"""Taking an account over, so that nobody before us can still send (ORDERS §2.4, L3 to L6).

Story: with the lease in hand, the fences of older epochs are shut at the venue and proven shut, what they left resting
is canceled and proven gone, and only then a fence of our own is opened, which every order carries. Then the account is
reconciled; only then it trades. The fence is changed for a new one (`rotate`) when a request was lost: an order of a
shut fence that is nowhere to be found is proven never to come. Invariants: a step that does not end well ends the
takeover; only tokens of epochs before ours, or our own, are ever shut; without a current token nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import structlog

from core.clock import to_ms
from core.errors import Conflict, Unavailable
from core.kill_points import kill_point
from trading.engine.database import DatabaseThread
from trading.engine.desk import DeskAccount
from trading.models import Order
from trading.selectors.fences import fence_limit_u, own_fence
from trading.services.fences import fence_close, fence_open, fences_older
from trading.services.orders import orders_cancel_requested
from venues.errors import AuthFailed, NotSent, OutcomeUnknown, Throttled, VenueError
from venues.ports import OrderRef
from venues.types import OrderReport, OrderState

log = structlog.get_logger(__name__)

PROVEN_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.25
AT_ONCE = 10
"""Cancels on the way at the same time."""


async def take_over(
    account: DeskAccount, database: DatabaseThread, *, at: datetime, within_s: float = PROVEN_WITHIN_S
) -> None:
    """Shut, clear, open. Raises Unavailable `takeover_failed` where the venue did not confirm it all, AuthFailed where
    it refuses the key, and Conflict `lease_lost`: then nothing may be traded."""
    kill_point("P14.before_fence")
    try:
        older = await database.call(fences_older, venue_account=account.row, epoch=account.epoch)
        for fence in older:
            await _shut(account, fence.token, within_s)
        await _clear_resting(account, database, at, within_s)
        for fence in older:
            await _note_shut(account, database, fence.token)
        await _open_own(account, database, within_s)
    except AuthFailed:
        raise
    except VenueError as error:
        raise Unavailable(
            "takeover_failed",
            f"{account.row} could not be taken over safely: {error.message} Nothing is traded; it is tried again.",
        ) from error
    log.info("account_taken_over", account=account.name, epoch=account.epoch, shut=len(older))


async def rotate(account: DeskAccount, database: DatabaseThread) -> None:
    """Shut our own fence and open another. Until that has ended well nothing is sent; may be called again.

    What rests under the old fence is canceled by the venue. Raises VenueError, Conflict `lease_lost`.
    """
    account.fence_token = ""
    fence = await database.call(own_fence, account.row, epoch=account.epoch)
    if fence is not None:
        await _shut(account, fence.token, PROVEN_WITHIN_S)
        await _note_shut(account, database, fence.token)
    await _open_own(account, database, PROVEN_WITHIN_S)
    log.warning("fence_rotated", account=account.name, epoch=account.epoch)


def fence_refusal(account: DeskAccount, order: Order) -> NotSent | None:
    """The gate's look at the fence: the order carries the current one, and the dead-man switch was heard of lately."""
    if not account.fence_token or order.fence_token != account.fence_token:
        return NotSent("Not sent: the order's fence is not the current one any more.", code="fence_not_current")
    if account.alive_until_s is not None and asyncio.get_running_loop().time() > account.alive_until_s:
        return NotSent("Not sent: the venue's dead-man switch has not heard from us.", code="heartbeat_missed")
    return None


def require_held(account: DeskAccount) -> None:
    """By the monotonic clock, before each deed at the venue: raises Conflict `lease_lost` once the lease ran out."""
    if asyncio.get_running_loop().time() > account.lease_until_s:
        raise Conflict("lease_lost")


async def _shut(account: DeskAccount, token: str, within_s: float) -> None:
    """Where the venue has fences: until a read proves that this one takes no more orders."""
    if not account.gateway.capabilities.fences:
        return

    async def is_shut() -> bool:
        await account.gateway.close_fence(token)
        return await account.gateway.is_fence_closed(token)

    await _until(account, is_shut, within_s, "The venue did not confirm that the fence before ours is shut.")


async def _note_shut(account: DeskAccount, database: DatabaseThread, token: str) -> None:
    await database.call(fence_close, venue_account=account.row, epoch=account.epoch, token=token)


async def _open_own(account: DeskAccount, database: DatabaseThread, within_s: float) -> None:
    """The new token is in use once it is written down; one that could not be is shut again."""
    token = f"epoch-{account.epoch}"
    if account.gateway.capabilities.fences:
        token = await _opened_there(account, await database.call(fence_limit_u, account.row), within_s)
    try:
        await database.call(fence_open, venue_account=account.row, epoch=account.epoch, token=token)
    except BaseException:
        with suppress(VenueError):
            await account.gateway.close_fence(token)
        raise
    account.fence_token = token


async def _opened_there(account: DeskAccount, limit_u: int, within_s: float) -> str:
    """Asked again only where the venue was too busy, or nothing was sent: at worst a fence stays that nobody uses."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        require_held(account)
        try:
            return await account.gateway.open_fence(limit_u=limit_u)
        except (Throttled, NotSent):
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(LOOK_AGAIN_S)


async def _clear_resting(account: DeskAccount, database: DatabaseThread, at: datetime, within_s: float) -> None:
    """Cancel what rests of ours, by each order's own id: nobody else's orders are touched."""

    async def is_clear() -> bool:
        reports = [one for one in await account.reader.open_orders() if one.state is OrderState.RESTING]
        ours = await database.call(_ours_among, account.row.pk, reports)
        if not ours:
            return True
        await database.call(orders_cancel_requested, orders=[order for order, _ in ours], reason="takeover", at=at)
        await _cancel_each(account, [ref for _, ref in ours])
        return False

    await _until(account, is_clear, within_s, "Orders of the trader before us still rest and could not be canceled.")


async def _cancel_each(account: DeskAccount, refs: list[OrderRef]) -> None:
    """A few at the same time. Raises what the first that failed raised, once all have ended."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(ref: OrderRef) -> None:
        async with gate:
            require_held(account)
            await account.gateway.cancel(ref)

    for outcome in await asyncio.gather(*map(one, refs), return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _until(account: DeskAccount, is_done: Callable[[], Awaitable[bool]], within_s: float, sentence: str) -> None:
    """Try until it is done. Raises AuthFailed at once; OutcomeUnknown with the sentence, or what the last try raised,
    when it takes too long."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        require_held(account)
        problem: VenueError = OutcomeUnknown(sentence)
        try:
            if await is_done():
                return
        except AuthFailed:
            raise  # the same key will not be taken a moment later
        except VenueError as error:
            problem = error
        if asyncio.get_running_loop().time() > deadline:
            raise problem
        await asyncio.sleep(LOOK_AGAIN_S)


def _ours_among(account_pk: int, reports: list[OrderReport]) -> list[tuple[Order, OrderRef]]:
    """Our own orders among those that rest, each with the id that the venue calls it by."""
    rows = Order.objects.filter(venue_account_id=account_pk, is_external=False).select_related("market")
    by_client = rows.filter(client_order_id__in={one.client_order_id for one in reports} - {""})
    by_venue = rows.filter(venue_order_id__in={one.venue_order_id for one in reports} - {""})
    known = {order.client_order_id: order for order in by_client}
    known_there = {order.venue_order_id: order for order in by_venue}
    found = [(known.get(one.client_order_id) or known_there.get(one.venue_order_id), one) for one in reports]
    return [(order, _ref(order, report)) for order, report in found if order is not None]


def _ref(order: Order, report: OrderReport) -> OrderRef:
    return OrderRef(
        client_order_id=order.client_order_id,
        venue_order_id=report.venue_order_id,
        market=order.market.venue_market,
        placed_ms=to_ms(order.claimed_at),
    )
