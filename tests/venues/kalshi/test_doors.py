"""The three doors against the simulator's Kalshi face on a real port: signed, streamed, traded, settled."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from tests.venues.kalshi.doors import Doors, doors, endpoints_of, ref_of, running, until
from tests.venues.simulator.kalshi_stand import EVENT, OKC, SAS, kalshi_stand
from venues.book import Book
from venues.errors import AuthFailed, OutcomeUnknown, Rejected
from venues.kalshi.client import KalshiAccount, KalshiKey
from venues.kalshi.values import Routing
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.simulator.kalshi_auth import KeyType
from venues.types import (
    MICRO,
    BookDelta,
    BookSnapshot,
    FeedStatus,
    FillReport,
    MarketKind,
    MarketListed,
    MarketState,
    MarketStateChanged,
    OrderReport,
    OrderState,
    Outcome,
    PositionReport,
    PublicTrade,
    Side,
    TimeInForce,
)


async def test_a_league_is_listed_with_fees_shard_and_start() -> None:
    async with doors(shard=3) as user:
        markets = await user.market_data.list_markets("nba")
    assert [market.native_id for market in markets] == [OKC, SAS]
    market = markets[0]
    assert (market.kind, market.league, market.event_id) == (MarketKind.MONEYLINE, "nba", EVENT)
    assert (market.team_names, market.yes_team_code) == (("Oklahoma City", "San Antonio"), "OKC")
    assert (market.fees.taker_rate_u, market.fees.maker_rate_u) == (70_000, 17_500)
    assert Routing.of(market.routing) == Routing(shard=3, series="KXNBAGAME")
    assert market.game_start_ms == user.stand.clock.ms
    assert market.state is MarketState.OPEN


async def test_a_league_kalshi_does_not_list_has_no_markets() -> None:
    async with doors() as user:
        assert await user.market_data.list_markets("nhl") == []
        with pytest.raises(KeyError):
            await user.market_data.list_markets("quidditch")


@pytest.mark.parametrize("key_type", list(KeyType))
async def test_books_trades_and_fills_stream_for_both_kinds_of_key(key_type: KeyType) -> None:
    async with doors(key_type=key_type) as user:
        book = Book()
        await user.market_data.watch([user.known[OKC]])
        async with running(user.market_data.run(user.told.append)), running(user.account.run(user.told.append)):
            await until(lambda: user.of(BookSnapshot), "a snapshot")
            await until(lambda: user.of(PositionReport) or len(user.of(FeedStatus)) == 2, "both feeds up")
            await until(lambda: not user.account.stream.needs_reading, "the first reads")
            ref = await user.place(Side.BUY, Outcome.YES, 560_000, 10, time_in_force=TimeInForce.IOC)
            await until(lambda: user.of(FillReport), "the fill")
            await until(lambda: user.of(BookDelta) and user.of(PublicTrade), "the delta and the print")
        snapshot = user.of(BookSnapshot)[0]
        assert book.apply_snapshot(snapshot.bids, snapshot.asks)
        for change in user.of(BookDelta):
            assert book.apply_delta(change.is_bid, change.price_u, change.delta_u)
        assert (book.best_bid_u, book.best_ask_u, book.levels(False, 1)) == (540_000, 560_000, [(560_000, 90 * MICRO)])
        fill = user.of(FillReport)[0]
        assert (fill.client_order_id, fill.venue_order_id) == (ref.client_order_id, ref.venue_order_id)
        assert (fill.side, fill.outcome, fill.price_u, fill.qty_u) == (Side.BUY, Outcome.YES, 560_000, 10 * MICRO)
        assert fill.fee_u == 172_500
        (read,) = await user.account.fills_since(0)
        assert msgspec.structs.replace(fill, client_order_id="") == read
        (print_,) = user.of(PublicTrade)
        assert (print_.taker_side, print_.price_u, print_.qty_u) == (Side.BUY, 560_000, 10 * MICRO)
        assert not user.market_data.stream.counts
        assert not user.market_data.rest.census.unknown
        assert not user.account.rest.census.unknown


async def test_an_order_lives_from_resting_to_canceled() -> None:
    async with doors(shard=3) as user:
        ref = await user.place(Side.BUY, Outcome.NO, 400_000, 5)
        (resting,) = await user.account.open_orders()
        assert (resting.side, resting.price_u, resting.remaining_u) == (Side.SELL, 600_000, 5 * MICRO)
        assert resting.state is OrderState.RESTING
        change = await user.orders.amend(ref, side=Side.BUY, outcome=Outcome.NO, price_u=390_000, total_qty_u=4 * MICRO)
        assert change.venue_order_id == ref.venue_order_id
        assert (await user.orders.decrease(ref, remaining_u=3 * MICRO)).remaining_u == 3 * MICRO
        ack = await user.orders.cancel(ref)
        assert (ack.is_canceled, ack.canceled_u) == (True, 3 * MICRO)
        again = await user.orders.cancel(ref)
        assert (again.is_canceled, again.reason) == (False, "not_found")
        found = await user.account.order(ref)
        assert found is not None
        assert (found.state, found.filled_u) == (OrderState.CANCELED, 0)


async def test_an_order_is_found_by_its_client_id_alone() -> None:
    async with doors() as user:
        ref = await user.place(Side.BUY, Outcome.YES, 500_000, 5)
        found = await user.account.order(msgspec.structs.replace(ref, venue_order_id=""))
        assert found is not None
        assert found.venue_order_id == ref.venue_order_id
        lost = msgspec.structs.replace(ref, venue_order_id="", client_order_id="never-sent")
        assert await user.account.order(lost) is None


async def test_the_same_client_id_twice_is_unknown_and_adopted_by_a_read() -> None:
    async with doors() as user:
        prepared = user.orders.prepare(user.request(Side.BUY, Outcome.YES, 500_000, 5))
        ack = await user.orders.place(prepared)
        with pytest.raises(OutcomeUnknown) as caught:
            await user.orders.place(prepared)
        assert caught.value.code == "order_already_exists"
        found = await user.account.order(ref_of(prepared.request, "", user.stand))
        assert found is not None
        assert found.venue_order_id == ack.venue_order_id


@pytest.mark.parametrize(
    ("options", "state", "filled"),
    [
        ({"time_in_force": TimeInForce.IOC, "price_u": 560_000, "contracts": 150}, OrderState.CANCELED, 100),
        ({"time_in_force": TimeInForce.IOC, "price_u": 550_000, "contracts": 10}, OrderState.CANCELED, 0),
        ({"time_in_force": TimeInForce.FOK, "price_u": 560_000, "contracts": 100}, OrderState.FILLED, 100),
        ({"price_u": 560_000, "contracts": 150}, OrderState.RESTING, 100),
    ],
)
async def test_an_acknowledgement_tells_what_happened(options: dict[str, Any], state: OrderState, filled: int) -> None:
    async with doors() as user:
        request = user.request(Side.BUY, Outcome.YES, **options)
        ack = await user.orders.place(user.orders.prepare(request))
    assert (ack.state, ack.filled_u) == (state, filled * MICRO)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"time_in_force": TimeInForce.FOK, "contracts": 101}, "fill_or_kill_insufficient_resting_volume"),
        ({"post_only": True, "contracts": 1}, "invalid_order"),
        ({"contracts": 1_000_000}, "insufficient_balance"),
        ({"fence_token": "no-such-group", "contracts": 1}, "order_group_not_found"),
    ],
)
async def test_a_refusal_of_the_venue_is_definitive(options: dict[str, Any], code: str) -> None:
    async with doors() as user:
        request = user.request(Side.BUY, Outcome.YES, 560_000, **options)
        with pytest.raises(Rejected) as caught:
            await user.orders.place(user.orders.prepare(request))
        assert caught.value.code == code
        assert await user.account.open_orders() == []


async def test_cancel_all_takes_everything_off() -> None:
    async with doors() as user:
        for price_u in (500_000, 490_000, 480_000):
            await user.place(Side.BUY, Outcome.YES, price_u, 5)
        await user.orders.cancel_all()
        assert await user.account.open_orders() == []
        assert [order.state for order in await user.account.orders_since(0)] == [OrderState.CANCELED] * 3


async def test_cash_positions_and_orders_agree_to_the_cent() -> None:
    async with doors() as user:
        await user.place(Side.BUY, Outcome.YES, 560_000, 10, time_in_force=TimeInForce.IOC)
        balance = await user.account.balance()
        assert balance.available_u == balance.total_u == 1_000 * MICRO - 5_600_000 - 172_500
        await user.place(Side.BUY, Outcome.YES, 500_000, 10)
        held = await user.account.balance()
        assert held.available_u < balance.available_u - 4_990_000
        assert held.total_u - held.available_u >= 5_000_000
        (position,) = await user.account.positions()
        assert (position.market_id, position.yes_qty_u, position.no_qty_u) == (f"kalshi:{OKC}", 10 * MICRO, 0)
        await user.place(Side.SELL, Outcome.YES, 540_000, 30, time_in_force=TimeInForce.IOC)
        (netted,) = await user.account.positions()
        assert (netted.yes_qty_u, netted.no_qty_u) == (0, 20 * MICRO)


async def test_cash_moves_between_shards() -> None:
    async with doors() as user:
        transfer_id = await user.orders.cash.transfer(
            from_shard=0, to_shard=3, amount_u=250_000_000, client_transfer_id=str(uuid.uuid4())
        )
        assert dict((await user.account.balance()).by_shard)[3] == 250_000_000
        (listed,) = await user.orders.cash.list()
        assert (listed.transfer_id, listed.amount_u, listed.to_shard) == (transfer_id, 250_000_000, 3)
        assert await user.orders.cash.get(transfer_id) == listed


@pytest.mark.parametrize(("value_u", "payout_u"), [(MICRO, 10 * MICRO), (0, 0), (432_100, 4_321_000)])
async def test_a_game_ends_settles_and_pays(value_u: int, payout_u: int) -> None:
    async with doors() as user:
        await user.place(Side.BUY, Outcome.YES, 560_000, 10, time_in_force=TimeInForce.IOC)
        await user.market_data.watch([user.known[OKC]])
        async with running(user.market_data.run(user.told.append)):
            await until(lambda: user.of(BookSnapshot), "a snapshot")
            user.stand.exchange.determine(OKC, value_u, user.stand.clock.ms)
            user.stand.wait(300_000)
            await until(lambda: len(user.of(MarketStateChanged)) >= 2, "determined and settled")
            await until(lambda: user.of(MarketListed), "the market is read again")
        states = [change.state for change in user.of(MarketStateChanged)]
        assert states[-2:] == [MarketState.DETERMINED, MarketState.SETTLED]
        assert user.of(MarketStateChanged)[-1].settlement_value_u == value_u
        market = await user.market_data.market(user.known[OKC])
        assert (market.state, market.settlement_value_u) == (MarketState.SETTLED, value_u)
        user.known[OKC] = market
        (settlement,) = await user.account.settlements_since(0)
        assert (settlement.value_u, settlement.yes_qty_u) == (value_u, 10 * MICRO)
        assert settlement.payout_u == payout_u
        assert (await user.account.balance()).available_u == 1_000 * MICRO - 5_772_500 + payout_u


async def test_public_reads_answer_with_our_own_values() -> None:
    async with doors() as user:
        await user.place(Side.BUY, Outcome.YES, 560_000, 1, time_in_force=TimeInForce.IOC)
        reference = user.market_data.reference
        book = await reference.book(OKC, depth=1)
        assert (book.bids, book.asks) == (((540_000, 100 * MICRO),), ((560_000, 99 * MICRO),))
        assert [one.market_id for one in await reference.books([OKC, SAS])] == [f"kalshi:{OKC}", f"kalshi:{SAS}"]
        assert [trade.price_u for trade in await reference.trades(ticker=OKC)] == [560_000]
        now_s = user.stand.clock.ms // 1000
        candles = await reference.candles(OKC, series="KXNBAGAME", start_s=now_s - 3600, end_s=now_s + 3600)
        assert sum(candle.volume_u for candle in candles) == MICRO
        assert (await reference.status()).is_trading_active
        assert (await reference.schedule()).standard_hours
        (milestone,) = await reference.milestones(EVENT)
        assert milestone.start_ms == user.stand.clock.ms
        (live,) = await reference.live_data([milestone.milestone_id])
        assert live.details == {"home_points": 3}
        assert (await reference.series("KXNBAGAME")).ticker == "KXNBAGAME"
        assert [one.ticker for one in await reference.series_list(tag="Basketball")] == ["KXNBAGAME"]
        assert await reference.series_fee_changes("KXNBAGAME") == []
        assert await reference.event_fee_changes(EVENT) == []
        target = await reference.structured_targets(["target-San Antonio"])
        assert [one.name for one in target] == ["San Antonio"]
        assert await user.account.user_data_ms() == user.stand.clock.ms
        assert not user.market_data.rest.census.unknown


async def test_a_wrong_key_is_told_as_such(kalshi_key: KalshiKey) -> None:
    async with kalshi_stand() as stand:
        account = KalshiAccount(endpoints_of(stand), kalshi_key, account="main", market_of=lambda ticker: None)
        with pytest.raises(AuthFailed) as caught:
            await account.balance()
        await account.aclose()
    assert caught.value.status == 401


class Once(NoFaults):
    """Disturbs the first call of one operation, before or after its effect."""

    def __init__(self, op: str, disturbance: Disturbance, *, is_after: bool) -> None:
        self._op = op
        self._disturbance: Disturbance | None = disturbance
        self._is_after = is_after

    def before(self, call: Call) -> Disturbance | None:
        return None if self._is_after else self._take(call)

    def after(self, call: Call) -> Disturbance | None:
        return self._take(call) if self._is_after else None

    def _take(self, call: Call) -> Disturbance | None:
        if call.op != self._op:
            return None
        taken, self._disturbance = self._disturbance, None
        return taken


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("disturbance", [Disturbance(drop=True), Disturbance(status=500, body=b"oops")])
async def test_a_create_whose_answer_is_lost_is_unknown_and_a_read_tells(
    disturbance: Disturbance, is_after: bool
) -> None:
    async with doors(faults=Once("create", disturbance, is_after=is_after)) as user:
        request = user.request(Side.BUY, Outcome.YES, 500_000, 5)
        with pytest.raises(OutcomeUnknown):
            await user.orders.place(user.orders.prepare(request))
        found = await user.account.order(ref_of(request, "", user.stand))
        assert (found is not None) is is_after


async def test_what_happened_while_the_account_stream_was_away_is_read() -> None:
    async with doors() as user:
        resting = await user.place(Side.BUY, Outcome.YES, 500_000, 5)
        await user.place(Side.BUY, Outcome.YES, 560_000, 2, time_in_force=TimeInForce.IOC)
        async with running(user.account.run(user.told.append)):
            await until(lambda: user.of(PositionReport), "the reads after connecting")
            assert [fill.qty_u for fill in user.of(FillReport)] == [2 * MICRO]
            assert resting.venue_order_id in {order.venue_order_id for order in user.of(OrderReport)}
            user.told.clear()
            user.account.sockets[0].drop("the test cut it")
            await until(lambda: [one for one in user.of(FeedStatus) if not one.is_up], "the feed is down")
            await user.place(Side.BUY, Outcome.YES, 560_000, 3, time_in_force=TimeInForce.IOC)
            await until(lambda: {fill.qty_u for fill in user.of(FillReport)} >= {3 * MICRO}, "the missed fill")


async def test_a_lost_frame_of_the_book_is_mended_by_a_snapshot() -> None:
    class DropDelta(NoFaults):
        is_armed = False

        def frame(self, call: Call) -> Disturbance | None:
            if self.is_armed and call.op == "orderbook_delta":
                self.is_armed = False
                return Disturbance(drop=True)
            return None

    plan = DropDelta()
    async with doors(faults=plan) as user:
        await user.market_data.watch([user.known[OKC]])
        async with running(user.market_data.run(user.told.append)):
            await until(lambda: user.of(BookSnapshot), "a snapshot")
            plan.is_armed = True
            user.stand.quote([(54, 50)], [(56, 100)])
            user.stand.quote([(53, 50)], [(56, 100)])
            await until(lambda: len(user.of(BookSnapshot)) == 2, "a second snapshot")
        assert user.of(BookSnapshot)[-1].bids == ((530_000, 50 * MICRO),)
        assert user.market_data.stream.counts["orderbook_delta_gap"] == 1


DOOR_JOBS: tuple[Callable[[Doors], Awaitable[object]], ...] = (
    lambda user: user.account.open_orders(),
    lambda user: user.account.positions(),
    lambda user: user.account.fills_since(0),
    lambda user: user.account.settlements_since(0),
)


@pytest.mark.parametrize("job", DOOR_JOBS)
async def test_an_empty_account_reads_as_empty(job: Callable[[Doors], Awaitable[object]]) -> None:
    async with doors() as user:
        assert await job(user) == []
