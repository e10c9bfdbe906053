"""Contract cards 23-28: what the streams tell is what the venue has, at every moment that is looked at."""

from __future__ import annotations

from tests.contract.bench import Bench, Books, reports, until
from venues.types import MICRO, FillReport, OrderState, PublicTrade, TimeInForce

LOOKS = 25


async def test_23_streamed_books_are_the_venues_books_at_every_look(venue: Bench):
    await venue.feed.watch(venue.markets.values())
    async with venue.heard(venue.feed) as messages:
        books = Books()
        await venue.wait_ms(200)
        for step_ms in range(100, 100 + LOOKS * 173, 173):
            await venue.wait_ms(step_ms)
            books.take(messages)
            for market_id, market in venue.markets.items():
                book, truth = books.by_market[market_id], venue.exchange.market(market.native_id)
                assert book.is_valid and not book.is_crossed
                assert (book.levels(True), book.levels(False)) == (truth.side(True).depth(), truth.side(False).depth())
        assert books.gaps == 0


async def test_24_our_own_order_is_in_the_streamed_book(venue: Bench):
    await venue.feed.watch([venue.market])
    async with venue.heard(venue.feed) as messages:
        books = Books()
        await venue.wait_ms(200)
        await venue.place(venue.request(price_u=20_000, qty_u=77 * MICRO))
        await venue.wait_ms(200)
        books.take(messages)
        truth = dict(venue.exchange.market(venue.market.native_id).side(True).depth())
        assert books.by_market[venue.market.market_id].qty_at(True, 20_000) == truth[20_000] >= 77 * MICRO


async def test_25_public_trades_name_price_size_and_taker(venue: Bench):
    await venue.feed.watch([venue.market])
    async with venue.heard(venue.feed) as messages:
        await venue.wait_ms(200)
        best_u, there_u = venue.exchange.market(venue.market.native_id).side(True).depth(1)[0]
        venue.somebody_sells(best_u, min(there_u, 13 * MICRO))
        await venue.wait_ms(100)
        trades = [one for one in messages if isinstance(one, PublicTrade) and one.price_u == best_u]
        assert any(one.qty_u == min(there_u, 13 * MICRO) and one.taker_side == "sell" for one in trades)


async def test_26_the_private_stream_tells_an_order_from_its_opening_to_its_cancel(venue: Bench):
    async with venue.heard(venue.reader) as messages:
        _, ref = await venue.place(venue.request())
        await venue.wait_ms(100)
        await venue.gateway.cancel(ref)
        await venue.wait_ms(100)
        await until(lambda: bool(reports(messages, ref)))
        states = [one.state for one in reports(messages, ref)]
        assert states[-1] is OrderState.CANCELED
        assert set(states) <= {OrderState.RESTING, OrderState.CANCELED}


async def test_27_the_private_stream_tells_the_fills_that_a_read_tells(venue: Bench):
    async with venue.heard(venue.reader) as messages:
        await venue.take()
        await venue.wait_ms(30_000)
        read = {(fill.trade_id, fill.leg, fill.qty_u, fill.price_u, fill.fee_u) for fill in await venue.fills()}
        heard = {
            (one.trade_id, one.leg, one.qty_u, one.price_u, one.fee_u)
            for one in messages
            if isinstance(one, FillReport)
        }
        assert heard == read != set()


async def test_28_a_resting_order_that_is_hit_is_told_as_a_makers_fill(venue: Bench):
    best_u = venue.exchange.market(venue.market.native_id).best_bid_u or 0
    async with venue.heard(venue.reader) as messages:
        _, ref = await venue.place(venue.request(price_u=best_u + 10_000, time_in_force=TimeInForce.GTC))
        venue.somebody_sells(best_u + 10_000, 10 * MICRO)
        await venue.wait_ms(30_000)
        fills = [one for one in messages if isinstance(one, FillReport) and one.venue_order_id == ref.venue_order_id]
        assert {one.is_taker for one in fills} == {False}
        assert {one.qty_u for one in fills} == {10 * MICRO}
