"""Who may send: one trader per account, shut in by the venue's own fence, and what a lost request comes to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import F

from core.errors import Conflict, Unavailable
from risk.models import AccountLimits, HaltScope, TradingHalt
from tests.trading.engine.stand import Stand
from tests.trading.engine.trouble import DROP, ERROR_500, Trouble
from trading.domain.commands import CancelOrder, SubmitOrder
from trading.engine import proof
from trading.engine.desk import DeskAccount
from trading.engine.engine import Engine
from trading.engine.fencing import rotate, take_over
from trading.engine.heart import RETRY_S
from trading.models import FenceState, Order, OrderEvent, OrderStatus, TraderLease, VenueFence
from trading.selectors.invariants_orders import one_fence_at_a_time
from trading.services.pauses import AUTH, FENCE_SHUT
from venues.simulator.faults import Disturbance
from venues.types import MICRO, TimeInForce, Venue

CHEAP_U = 20_000
RESTING: Mapping[str, Any] = {"price_u": CHEAP_U, "time_in_force": TimeInForce.GTC}
VENUES = pytest.mark.parametrize("venue", list(Venue))


def account_at(engine: Engine, venue: Venue) -> DeskAccount:
    return next(one for one in engine.desk.accounts.values() if one.row.venue == venue)


async def sent(stand: Stand, venue: Venue, **terms: Any) -> SubmitOrder:
    """An order that left us: on a machine that is very busy one may miss its own deadline, and another is made."""
    while True:
        command = await stand.submit(await stand.market(venue), **terms)
        if (await stand.row(command)).reason_code not in ("send_deadline", "lease_margin", "heartbeat_missed"):
            return command


async def a_resting(stand: Stand, venue: Venue) -> SubmitOrder:
    command = await sent(stand, venue, **RESTING, qty_u=100 * MICRO)
    await stand.until_row(command, OrderStatus.OPEN)
    return command


def hide_orders(trouble: Trouble) -> None:
    """No read of orders is answered, at neither venue."""
    for read in ("order", "orders"):
        trouble.before_ops["kalshi", read] = trouble.before_ops["polymarket", f"data/{read}"] = ERROR_500


def run_out() -> None:
    """The leases of a trader that is not heard any more, fifteen seconds later."""
    TraderLease.objects.update(expires_at="2026-01-01T00:00:00Z")


def impatient(engine: Engine) -> None:
    """A missing order's fence is given up soon."""
    for catch_up in engine.catch_ups:
        catch_up.proof.rotate_after_s = 0.2


async def asleep(engine: Engine) -> None:
    """As if the process were stopped: none of its tasks runs, nothing is told to anybody."""
    for task in (*engine.tasks._supervised.values(), *engine.tasks._shots):
        task.cancel()
    await asyncio.sleep(0)


@VENUES
async def test_every_order_carries_the_fence_that_its_trader_opened(stand: Stand, venue: Venue):
    command = await a_resting(stand, venue)
    account, row = account_at(stand.engine, venue), await stand.row(command)
    fence = await stand.database.call(the_live_fence, account.row.pk)
    assert row.fence_token == account.fence_token == fence.token != ""
    assert (fence.epoch, row.lease_epoch) == (account.epoch, account.epoch)


@VENUES
async def test_the_next_trader_takes_off_what_rests_before_it_trades(stand: Stand, venue: Venue):
    command = await a_resting(stand, venue)
    old = (await stand.row(command)).fence_token
    await stand.kill_engine()
    engine = await stand.start_engine()
    account = account_at(engine, venue)
    assert await account.reader.open_orders() == []
    assert account.is_reconciled
    assert account.fence_token not in ("", old)
    states = await stand.database.call(fence_states, account.row.pk)
    assert states == [(account.epoch - 1, FenceState.DEAD), (account.epoch, FenceState.LIVE)]
    row = await stand.until_row(command, OrderStatus.CANCELED)
    assert row.reserved_u == 0


async def test_a_takeover_that_the_venue_does_not_confirm_is_refused_with_a_sentence(stand: Stand, trouble: Trouble):
    await asleep(stand.engine)
    mine, now = account_at(stand.engine, Venue.KALSHI), datetime.now(UTC)
    before = mine.fence_token
    await stand.database.call(make_older, mine.row.pk)
    trouble.before_ops["kalshi", "group_delete"] = ERROR_500
    with pytest.raises(Unavailable) as caught:
        await take_over(mine, stand.database, at=now, within_s=0.5)
    assert caught.value.code == "takeover_failed" and "Nothing is traded" in caught.value.message
    assert await stand.database.call(the_live_token, mine.row.pk) == before, "not proven shut, so not dead"
    trouble.before_ops.clear()
    await take_over(mine, stand.database, at=now)
    assert await stand.database.call(the_live_token, mine.row.pk) == mine.fence_token != before


async def test_a_takeover_waits_for_a_venue_that_is_too_busy_to_open_a_fence(stand: Stand, trouble: Trouble):
    await asleep(stand.engine)
    mine = account_at(stand.engine, Venue.KALSHI)
    await stand.database.call(make_older, mine.row.pk)
    trouble.before_ops["kalshi", "group_create"] = Disturbance(status=429)
    taking_over = asyncio.ensure_future(take_over(mine, stand.database, at=datetime.now(UTC)))
    await stand.until(lambda: trouble.asked["kalshi", "group_create"] > 1)
    trouble.before_ops.clear()
    await taking_over
    assert await stand.database.call(the_live_token, mine.row.pk) == mine.fence_token


@VENUES
async def test_a_trader_that_slept_through_a_takeover_sends_nothing_and_disturbs_nobody(
    stand: Stand, trouble: Trouble, venue: Venue
):
    sleeper = stand.engine
    market = await stand.market(venue)
    await asleep(sleeper)
    await stand.database.call(run_out)
    leader = await stand.start_second("second")
    command = await a_resting(stand, venue)
    arrived = trouble.creates(venue)
    await stand.submit(market, price_u=CHEAP_U, by=sleeper)
    mine = account_at(sleeper, venue)
    with pytest.raises(Conflict) as caught:
        await rotate(mine, sleeper._ledger_database)
    assert caught.value.code == "lease_lost"
    mine.fence_token, mine.is_reconciled = "stale", True
    await sleeper.custody.watches[mine.name].each_second()
    await sleeper._renew_leases()
    assert sleeper.ended.is_set() and trouble.creates(venue) == arrived
    own = account_at(leader, venue)
    assert await stand.database.call(the_live_token, own.row.pk) == own.fence_token
    assert (await stand.row(command)).status == OrderStatus.OPEN
    another = await a_resting(stand, venue)
    assert (await stand.row(another)).lease_epoch == own.epoch
    await stand.drop(sleeper)


async def test_an_order_decided_before_its_fence_was_shut_is_not_claimed_under_it(stand: Stand, trouble: Trouble):
    """Between the executor's look at the fence and the claim lies a wait: for the message budget, or for the thread."""
    market, mine = await stand.market(Venue.KALSHI), account_at(stand.engine, Venue.KALSHI)
    arrived, is_free = trouble.creates(Venue.KALSHI), threading.Event()
    busy = asyncio.create_task(stand.engine.executor._database.call(is_free.wait))
    placing = asyncio.create_task(stand.submit(market, price_u=CHEAP_U))
    await stand.until(lambda: bool(stand.engine.executor.in_flight))
    await rotate(mine, stand.database)
    is_free.set()
    await busy
    command = await placing
    assert not await stand.database.call(Order.objects.filter(decision_id=command.decision_id).exists)
    assert trouble.creates(Venue.KALSHI) == arrived
    assert await stand.database.call(lambda: list(one_fence_at_a_time())) == []


async def test_of_two_traders_for_one_account_exactly_one_opens_it(stand: Stand):
    with pytest.raises(Conflict) as caught:
        await stand.start_second("second")
    assert caught.value.code == "lease_held"
    assert (await stand.row(await a_resting(stand, Venue.KALSHI))).status == OrderStatus.OPEN


async def test_a_lost_request_is_void_once_its_fence_is_shut_and_not_before(stand: Stand, trouble: Trouble):
    impatient(stand.engine)
    before = account_at(stand.engine, Venue.KALSHI).fence_token
    trouble.before_ops["kalshi", "create"] = DROP
    lost = await sent(stand, Venue.KALSHI)
    assert (await stand.row(lost)).is_unknown
    trouble.before_ops.clear()
    row = await stand.until_row(lost, OrderStatus.VOID)
    assert (row.reserved_u, row.fence_token, trouble.creates(Venue.KALSHI)) == (0, before, 1)
    assert before in await stand.database.call(dead_tokens)
    told = await stand.database.call(evidence_of, row.pk)
    assert told["fence"] == before and told["absent_s"] >= proof.ABSENT_FOR_S
    again = await a_resting(stand, Venue.KALSHI)
    assert (await stand.row(again)).fence_token != before


async def test_a_request_that_arrives_late_finds_its_fence_shut(stand: Stand, trouble: Trouble):
    impatient(stand.engine)
    trouble.before_ops["kalshi", "create"] = Disturbance(delay_ms=9_000)
    late = await sent(stand, Venue.KALSHI, **RESTING)
    assert (await stand.row(late)).is_unknown, "we waited for three seconds"
    trouble.before_ops.clear()
    await stand.until_row(late, OrderStatus.VOID)
    await stand.until(lambda: trouble.answered["kalshi", "create"] == 1)
    assert (await stand.venue_books()).orders == {}


async def test_an_unhealthy_read_proves_nothing(stand: Stand, trouble: Trouble):
    impatient(stand.engine)
    trouble.before_ops["kalshi", "create"] = DROP
    lost = await sent(stand, Venue.KALSHI)
    mine = account_at(stand.engine, Venue.KALSHI)
    before = mine.fence_token
    await stand.until(lambda: mine.fence_token not in ("", before))
    trouble.before_ops["kalshi", "balance"] = ERROR_500
    asked = trouble.asked["kalshi", "balance"]
    await stand.until(lambda: trouble.asked["kalshi", "balance"] >= asked + 4)
    assert (await stand.row(lost)).status == OrderStatus.CLAIMED, "no canary vouched for the reads"
    del trouble.before_ops["kalshi", "balance"]
    await stand.until_row(lost, OrderStatus.VOID)


async def test_lost_orders_are_proven_by_reads_that_they_share(stand: Stand, trouble: Trouble):
    trouble.before_ops["kalshi", "create"] = DROP
    await stand.database.call(allow_unknown_orders)
    lost = [await sent(stand, Venue.KALSHI), await sent(stand, Venue.KALSHI)]
    await asleep(stand.engine)
    mine = account_at(stand.engine, Venue.KALSHI)
    await rotate(mine, stand.database)
    (catch_up,) = (one for one in stand.engine.catch_ups if one.proof._account is mine)
    asked, read = trouble.asked["kalshi", "balance"], 0
    while any([(await stand.row(one)).status == OrderStatus.CLAIMED for one in lost]):
        await catch_up.unknown()
        read += 1
    assert trouble.asked["kalshi", "balance"] - asked == read >= 2


async def test_a_trader_whose_fence_the_venue_shut_ends_and_leaves_the_account_halted(stand: Stand):
    engine = stand.engine
    mine = account_at(engine, Venue.KALSHI)
    await mine.gateway.close_fence(mine.fence_token)
    command = await sent(stand, Venue.KALSHI)
    assert (await stand.row(command)).status == OrderStatus.REJECTED
    assert engine.ended.is_set() and not mine.is_reconciled and mine.fence_token == ""
    await engine.tasks.drain()
    assert await stand.database.call(halted_for) == [FENCE_SHUT]


async def test_a_dead_man_switch_that_does_not_hear_us_stops_new_orders(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.POLYMARKET)
    mine = account_at(stand.engine, Venue.POLYMARKET)
    await stand.until(lambda: trouble.asked["polymarket", "heartbeat"] > 0)
    trouble.before_ops["polymarket", "heartbeat"] = ERROR_500
    mine.alive_until_s = asyncio.get_running_loop().time()
    command = await stand.submit(market)
    row = await stand.row(command)
    assert (row.status, row.reason_code) == (OrderStatus.DENIED, "heartbeat_missed")
    assert trouble.creates(Venue.POLYMARKET) == 0
    trouble.before_ops.clear()
    now_s = asyncio.get_running_loop().time()
    await stand.until(lambda: (mine.alive_until_s or 0.0) > now_s)
    assert (await stand.row(await a_resting(stand, Venue.POLYMARKET))).status == OrderStatus.OPEN


async def test_a_beat_whose_key_is_refused_is_repeated_ever_more_rarely(stand: Stand, trouble: Trouble):
    heart = ("polymarket", "heartbeat")
    trouble.before_ops[heart] = Disturbance(status=401)
    asked = trouble.asked[heart]
    await stand.until(lambda: trouble.asked[heart] > asked)
    began_s = asyncio.get_running_loop().time()
    await stand.until(lambda: trouble.asked[heart] > asked + 2)
    assert asyncio.get_running_loop().time() - began_s > 2.9 * RETRY_S
    trouble.before_ops.clear()
    mine, now_s = account_at(stand.engine, Venue.POLYMARKET), asyncio.get_running_loop().time()
    await stand.until(lambda: (mine.alive_until_s or 0.0) > now_s)


@VENUES
async def test_a_cancel_asked_for_before_the_order_is_known_is_carried_out_when_it_is(
    stand: Stand, trouble: Trouble, venue: Venue
):
    await stand.market(venue)
    trouble.after_ops[venue, "create"] = DROP
    hide_orders(trouble)
    trouble.is_deaf = True
    command = await sent(stand, venue, **RESTING)
    trouble.before_ops[venue, "cancel"] = DROP
    await stand.engine.executor.cancel(CancelOrder(decision_id=command.decision_id, market_id="", reason="test"))
    row = await stand.row(command)
    assert row.is_unknown and row.cancel_requested_at is not None
    trouble.before_ops.clear()
    trouble.is_deaf = False
    row = await stand.until_over(command)
    assert (row.status, row.filled_u, trouble.creates(venue)) == (OrderStatus.CANCELED, 0, 1)


@VENUES
async def test_a_key_that_is_refused_pauses_the_account(stand: Stand, trouble: Trouble, venue: Venue):
    market = await stand.market(venue)
    trouble.before_ops[venue, "create"] = Disturbance(status=401, body=b"{}")
    await sent(stand, venue)
    await stand.engine.tasks.drain()
    assert await stand.database.call(halted_for) == [AUTH]
    arrived = trouble.creates(venue)
    second = await stand.submit(market)
    row = await stand.row(second)
    assert (row.status, row.reason_code, trouble.creates(venue)) == (OrderStatus.DENIED, "halted", arrived)


def make_older(account_pk: int) -> None:
    """The fence that is live was opened in the epoch before."""
    VenueFence.objects.filter(venue_account_id=account_pk, state=FenceState.LIVE).update(epoch=F("epoch") - 1)


def the_live_fence(account_pk: int) -> VenueFence:
    return VenueFence.objects.get(venue_account_id=account_pk, state=FenceState.LIVE)


def the_live_token(account_pk: int) -> str:
    return the_live_fence(account_pk).token


def fence_states(account_pk: int) -> list[tuple[int, str]]:
    rows = VenueFence.objects.filter(venue_account_id=account_pk).order_by("epoch")
    return list(rows.values_list("epoch", "state"))


def dead_tokens() -> list[str]:
    return list(VenueFence.objects.filter(state=FenceState.DEAD).values_list("token", flat=True))


def evidence_of(order_pk: int) -> dict[str, object]:
    payload: dict[str, object] = OrderEvent.objects.get(order_id=order_pk, kind="ended_by_proof").payload
    return payload


def halted_for() -> list[str]:
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT).exclude(state="active")
    return list(rows.values_list("code", flat=True))


def allow_unknown_orders() -> None:
    AccountLimits.objects.update(max_unknown_market=2, max_unknown_account=2)
