"""What a paper account takes, refuses and fills: against the live book, in the venue's own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.paper.stand import CENT_U, NOON_MS, OPENED_U, PaperStand, now
from venues.errors import Fenced, NotSent, OutcomeUnknown, Rejected
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookLevel,
    FillReport,
    MarketState,
    MarketStateChanged,
    OrderState,
    Outcome,
    SettleState,
    Side,
    TimeInForce,
    Venue,
)

IOC, FOK, GTC, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC, TimeInForce.GTD
FILLED, RESTING, CANCELED = OrderState.FILLED, OrderState.RESTING, OrderState.CANCELED


@pytest.fixture
def stand() -> PaperStand:
    """Kalshi, 48/50 with two levels a side."""
    stand = PaperStand()
    stand.book({48: 10, 47: 20}, {50: 5, 51: 20})
    return stand


@pytest.fixture
def delayed() -> PaperStand:
    """Polymarket, a taker delay of three seconds."""
    stand = PaperStand(Venue.POLYMARKET)
    stand.book({48: 10, 47: 20}, {50: 5, 51: 20})
    return stand


def refused(stand: PaperStand, **terms: Any) -> str:
    with pytest.raises(Rejected) as refusal:
        stand.place(**terms)
    assert not stand.state.orders and stand.state.cash_u == OPENED_U
    return refusal.value.code


# --- taking ---------------------------------------------------------------------------------------------------------


def test_an_order_walks_the_depth_that_is_there_and_no_further(stand: PaperStand):
    ack = stand.place(price_u=51 * CENT_U, qty_u=12 * MICRO, time_in_force=IOC)
    assert (ack.state, ack.filled_u, ack.remaining_u) == (FILLED, 12 * MICRO, 0)
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(50, 5), (51, 7)]
    assert stand.state.of(stand.market.market_id, Outcome.YES) == 12 * MICRO


def test_the_same_depth_is_not_taken_twice_until_the_book_is_stated_again(stand: PaperStand):
    stand.place(price_u=50 * CENT_U, qty_u=4 * MICRO, time_in_force=IOC)
    again = stand.place(price_u=50 * CENT_U, qty_u=4 * MICRO, time_in_force=IOC)
    assert (again.state, again.filled_u) == (CANCELED, MICRO)
    stand.hear(BookDelta(stand.market.market_id, False, 50 * CENT_U, 2 * MICRO, stand.now_ms))
    assert stand.place(price_u=50 * CENT_U, qty_u=4 * MICRO, time_in_force=IOC).filled_u == 2 * MICRO
    stand.hear(BookLevel(stand.market.market_id, False, 50 * CENT_U, 7 * MICRO, stand.now_ms))
    assert stand.place(price_u=50 * CENT_U, qty_u=9 * MICRO, time_in_force=IOC).filled_u == 7 * MICRO


def test_a_whole_book_that_is_no_news_gives_nothing_back(stand: PaperStand):
    stand.book({48: 10}, {51: 5})
    stand.place(price_u=51 * CENT_U, qty_u=4 * MICRO, time_in_force=IOC)
    stand.book({48: 10}, {51: 5})
    assert stand.place(price_u=51 * CENT_U, qty_u=4 * MICRO, time_in_force=IOC).filled_u == MICRO
    stand.book({48: 10}, {51: 6})
    assert stand.place(price_u=51 * CENT_U, qty_u=9 * MICRO, time_in_force=IOC).filled_u == 6 * MICRO


def test_no_is_bought_from_the_bids_of_yes(stand: PaperStand):
    stand.place(outcome=Outcome.NO, price_u=53 * CENT_U, qty_u=12 * MICRO, time_in_force=IOC)
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(52, 10), (53, 2)]


def test_fees_round_over_the_order_and_cash_moves_by_price_and_fee(stand: PaperStand):
    """Golden: 0.07 × 5 × 0.25 = 0.0875 and 0.07 × 7 × 0.51 × 0.49 = 0.122451, up to $0.1225 with the rounding."""
    stand.place(price_u=51 * CENT_U, qty_u=12 * MICRO, time_in_force=IOC)
    assert [fee for *_, fee in stand.fills] == [87_500, 122_500]
    assert stand.state.cash_u == OPENED_U - 5 * 500_000 - 7 * 510_000 - 210_000


def test_the_accumulator_of_an_order_pays_whole_steps_back(stand: PaperStand):
    """Golden: ten fills of 0.01 at 51 ¢: each pays 175 µ and 25 of rounding, and every fourth gives 100 back."""
    stand.book({48: 10}, {})
    fees = []
    for _ in range(10):
        stand.hear(BookLevel(stand.market.market_id, False, 51 * CENT_U, CENT_U, stand.now_ms))
    ack = stand.place(price_u=51 * CENT_U, qty_u=10 * CENT_U, time_in_force=GTC)
    assert ack.filled_u == CENT_U
    for _ in range(9):
        stand.hear(BookLevel(stand.market.market_id, False, 51 * CENT_U, 0, stand.now_ms))
        stand.hear(BookLevel(stand.market.market_id, False, 51 * CENT_U, CENT_U, stand.now_ms))
    fees = [one.fee_u for one in stand.read_fills()]
    assert fees[0] == 200 and len(fees) == 10
    assert sum(fees) == OPENED_U - stand.state.cash_u - 10 * 5_100
    assert sum(fees) % 100 == 0


def test_fill_or_kill_is_whole_or_nothing(stand: PaperStand):
    code = refused(stand, price_u=50 * CENT_U, qty_u=6 * MICRO, time_in_force=FOK)
    assert code == "fill_or_kill_insufficient_resting_volume"
    assert stand.place(price_u=51 * CENT_U, qty_u=6 * MICRO, time_in_force=FOK).state is FILLED


def test_an_immediate_order_that_takes_nothing_ends(stand: PaperStand, delayed: PaperStand):
    assert stand.place(price_u=49 * CENT_U, time_in_force=IOC).state is CANCELED
    assert refused(delayed, price_u=49 * CENT_U, time_in_force=IOC) == "no_match"


def test_an_order_never_takes_its_own_and_what_would_is_canceled(stand: PaperStand):
    stand.place(side=Side.SELL, price_u=51 * CENT_U, qty_u=3 * MICRO)
    ack = stand.place(price_u=52 * CENT_U, qty_u=40 * MICRO)
    assert (ack.state, ack.filled_u) == (CANCELED, 25 * MICRO)
    assert stand.report(ack).reason == "self_trade"


# --- refusals -------------------------------------------------------------------------------------------------------


def test_what_the_venue_refuses_before_the_send_is_refused_by_its_own_adapter(stand: PaperStand):
    for terms, code in (({"price_u": 505_000}, "off_grid"), ({"qty_u": 1}, "bad_quantity")):
        assert refused(stand, **terms) == code


def test_money_that_is_not_there_is_refused_and_what_rests_holds_its_share(stand: PaperStand):
    assert refused(stand, price_u=48 * CENT_U, qty_u=3_000 * MICRO) == "insufficient_balance"
    stand.place(price_u=40 * CENT_U, qty_u=2_000 * MICRO)
    with pytest.raises(Rejected):
        stand.place(price_u=40 * CENT_U, qty_u=600 * MICRO)
    balance = now(stand.reader.balance())
    assert balance.total_u == OPENED_U and OPENED_U - balance.available_u >= 800 * MICRO


def test_contracts_that_are_not_there_cannot_be_sold_and_fresh_ones_not_yet(delayed: PaperStand):
    assert refused(delayed, side=Side.SELL, price_u=60 * CENT_U) == "insufficient_funds"
    delayed.list(taker_delay_ms=0)
    delayed.place(price_u=51 * CENT_U, time_in_force=IOC, qty_u=10 * MICRO)
    with pytest.raises(Rejected):
        delayed.place(side=Side.SELL, price_u=60 * CENT_U)
    delayed.now_ms += 2_000
    assert delayed.place(side=Side.SELL, price_u=60 * CENT_U).state is RESTING


def test_a_closed_or_paused_market_takes_nothing(stand: PaperStand):
    for state, code in ((MarketState.PAUSED, "trading_is_paused"), (MarketState.CLOSED, "market_closed")):
        stand.list(state=state)
        assert refused(stand) == code


def test_post_only_never_takes(stand: PaperStand):
    assert refused(stand, price_u=50 * CENT_U, post_only=True) == "invalid_order"
    assert stand.place(price_u=49 * CENT_U, post_only=True).state is RESTING


def test_a_tick_that_changed_since_the_order_was_made_refuses_it(stand: PaperStand):
    prepared = stand.gateway.prepare(stand.request(price_u=49 * CENT_U))
    from venues.types import PriceBand

    stand.list(bands=(PriceBand(0, MICRO, 50_000),))
    with pytest.raises(Rejected) as refusal:
        now(stand.gateway.place(prepared))
    assert refusal.value.code == "invalid_price"


def test_the_same_order_twice_is_one_order_and_no_refusal(stand: PaperStand):
    prepared = stand.gateway.prepare(stand.request(price_u=40 * CENT_U))
    now(stand.gateway.place(prepared))
    with pytest.raises(OutcomeUnknown):
        now(stand.gateway.place(prepared))
    assert len(stand.state.orders) == 1


def test_without_a_live_book_nothing_is_sent(stand: PaperStand):
    stand.hear(BookGap(stand.market.market_id, "lost"))
    with pytest.raises(NotSent):
        stand.place()
    assert not stand.state.orders


def test_a_reduce_only_order_takes_no_more_than_is_held(stand: PaperStand):
    with pytest.raises(Rejected) as refusal:
        stand.place(side=Side.SELL, price_u=47 * CENT_U, time_in_force=IOC, reduce_only=True)
    assert refusal.value.code == "reduce_only"
    stand.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    ack = stand.place(side=Side.SELL, price_u=47 * CENT_U, qty_u=9 * MICRO, time_in_force=IOC, reduce_only=True)
    assert (ack.state, ack.filled_u) == (CANCELED, 5 * MICRO)
    assert stand.state.of(stand.market.market_id, Outcome.NO) == 0


# --- the taker delay ------------------------------------------------------------------------------------------------


def test_an_order_waits_for_the_markets_delay_and_meets_the_book_of_then(delayed: PaperStand):
    ack = delayed.place(price_u=51 * CENT_U, time_in_force=IOC)
    assert (ack.state, ack.filled_u, delayed.fills) == (OrderState.DELAYED, 0, [])
    assert now(delayed.gateway.cancel(delayed.ref(ack))).reason == "delayed"
    delayed.now_ms += 2_999
    assert delayed.report(ack).state is OrderState.DELAYED
    delayed.book({45: 10}, {51: 4, 52: 50})
    delayed.now_ms += 1
    assert delayed.report(ack).state is CANCELED
    assert [(cents, qty) for cents, qty, _ in delayed.fills] == [(51, 4)]


def test_a_message_after_the_delay_finds_the_order_matched_on_the_book_before_it(delayed: PaperStand):
    ack = delayed.place(price_u=51 * CENT_U, time_in_force=IOC)
    delayed.now_ms += 3_500
    delayed.book({45: 10}, {60: 4})
    assert delayed.report(ack).state is FILLED


def test_a_delayed_order_in_a_market_that_closes_is_canceled(delayed: PaperStand):
    ack = delayed.place(price_u=51 * CENT_U, time_in_force=IOC)
    delayed.hear(MarketStateChanged(delayed.market.market_id, MarketState.CLOSED, delayed.now_ms))
    delayed.now_ms += 3_000
    assert (delayed.report(ack).state, delayed.fills) == (CANCELED, [])


def test_a_fill_is_pending_until_it_is_final(delayed: PaperStand):
    delayed.place(price_u=51 * CENT_U, time_in_force=IOC)
    delayed.now_ms += 3_000
    assert {one.settle_state for one in delayed.read_fills()} == {SettleState.PENDING}
    delayed.now_ms += 5_000
    assert {one.settle_state for one in delayed.read_fills()} == {SettleState.CONFIRMED}


# --- resting --------------------------------------------------------------------------------------------------------


def test_a_resting_order_is_behind_all_that_is_there(stand: PaperStand):
    ack = stand.place(price_u=48 * CENT_U, qty_u=4 * MICRO)
    assert ack.state is RESTING
    stand.prints(48, 7, Side.SELL)
    stand.prints(48, 3, Side.SELL)
    assert stand.fills == []
    stand.prints(48, 3, Side.SELL)
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(48, 3)]
    stand.prints(48, 9, Side.BUY)
    assert stand.report(ack).filled_u == 3 * MICRO


def test_the_same_print_told_by_book_and_by_tape_counts_once(stand: PaperStand):
    """The book says that six of ten are gone before the tape says that six were traded: four are still ahead."""
    stand.place(price_u=48 * CENT_U, qty_u=4 * MICRO)
    stand.hear(BookDelta(stand.market.market_id, True, 48 * CENT_U, -6 * MICRO, stand.now_ms + 10))
    stand.prints(48, 6, Side.SELL)
    assert stand.fills == []
    stand.hear(BookDelta(stand.market.market_id, True, 48 * CENT_U, -4 * MICRO, stand.now_ms + 10))
    stand.prints(48, 4, Side.SELL)
    assert stand.fills == []
    stand.prints(48, 2, Side.SELL)
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(48, 2)]


def test_a_print_through_the_price_fills_at_the_price(stand: PaperStand):
    stand.place(price_u=48 * CENT_U, qty_u=4 * MICRO)
    stand.prints(47, 3, Side.SELL)
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(48, 3)]
    assert not stand.read_fills()[0].is_taker


def test_a_book_that_reaches_the_price_fills_what_it_brings_once(stand: PaperStand):
    stand.place(price_u=48 * CENT_U, qty_u=9 * MICRO)
    stand.book({46: 10}, {48: 4, 49: 9})
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(48, 4)]
    stand.hear(BookDelta(stand.market.market_id, False, 48 * CENT_U, MICRO, stand.now_ms))
    assert [(cents, qty) for cents, qty, _ in stand.fills] == [(48, 4), (48, 1)]


def test_a_crossed_book_fills_nothing(stand: PaperStand):
    stand.place(price_u=48 * CENT_U, qty_u=9 * MICRO)
    stand.book({49: 10}, {48: 4})
    assert stand.fills == []


def test_two_orders_of_ours_share_one_print(stand: PaperStand):
    first = stand.place(price_u=49 * CENT_U, qty_u=4 * MICRO)
    second = stand.place(price_u=49 * CENT_U, qty_u=4 * MICRO)
    stand.prints(49, 5, Side.SELL)
    assert (stand.report(first).filled_u, stand.report(second).filled_u) == (4 * MICRO, MICRO)


def test_a_good_till_date_order_is_gone_at_its_second(stand: PaperStand):
    ack = stand.place(price_u=40 * CENT_U, time_in_force=GTD, expires_ms=stand.now_ms + 2_900)
    stand.now_ms += 1_999
    assert stand.report(ack).state is RESTING
    stand.now_ms += 1
    assert stand.report(ack).state is OrderState.EXPIRED


def test_the_book_is_cleared_when_the_game_starts(delayed: PaperStand):
    ack = delayed.place(price_u=40 * CENT_U)
    delayed.now_ms = NOON_MS + 3_600_000
    assert (delayed.report(ack).state, delayed.report(ack).reason) == (CANCELED, "game_started")
    assert delayed.place(price_u=40 * CENT_U).state is RESTING


@pytest.mark.parametrize("state", [MarketState.PAUSED, MarketState.CLOSED, MarketState.DETERMINED])
def test_orders_leave_with_the_market(stand: PaperStand, state: MarketState):
    ack = stand.place(price_u=40 * CENT_U)
    stand.list(state=state)
    assert stand.report(ack).state is CANCELED
    assert now(stand.reader.balance()).available_u == OPENED_U


def test_a_cancel_frees_the_money_and_a_second_one_says_so(stand: PaperStand):
    ack = stand.place(price_u=40 * CENT_U)
    answer = now(stand.gateway.cancel(stand.ref(ack)))
    assert (answer.is_canceled, answer.canceled_u) == (True, 10 * MICRO)
    again = now(stand.gateway.cancel(stand.ref(ack)))
    assert not again.is_canceled and again.reason == "already canceled"
    assert now(stand.reader.balance()).available_u == OPENED_U


def test_a_fence_that_is_cut_off_takes_its_orders_along_and_refuses_later_ones(stand: PaperStand):
    token = now(stand.gateway.open_fence(limit_u=1_000 * MICRO))
    ack = stand.place(price_u=40 * CENT_U, fence_token=token)
    other = stand.place(price_u=40 * CENT_U)
    now(stand.gateway.close_fence(token))
    assert (stand.report(ack).state, stand.report(other).state) == (CANCELED, RESTING)
    with pytest.raises(Fenced):
        stand.place(price_u=40 * CENT_U, fence_token=token)
    assert now(stand.gateway.is_fence_closed(token))


def test_a_fence_cuts_itself_off_above_its_limit(stand: PaperStand):
    token = now(stand.gateway.open_fence(limit_u=6 * MICRO))
    rests = stand.place(price_u=40 * CENT_U, fence_token=token)
    ack = stand.place(price_u=51 * CENT_U, qty_u=30 * MICRO, fence_token=token)
    assert stand.report(ack).state is CANCELED and stand.report(rests).state is CANCELED
    with pytest.raises(Fenced):
        stand.place(price_u=40 * CENT_U, fence_token=token)


def test_a_venue_without_fences_does_not_look_at_the_token(delayed: PaperStand):
    ack = delayed.place(price_u=40 * CENT_U, fence_token="epoch-1")
    assert delayed.report(ack).state is RESTING


# --- the stream and the end -----------------------------------------------------------------------------------------


def test_the_stream_tells_what_the_reads_tell(stand: PaperStand):
    stand.place(price_u=51 * CENT_U, qty_u=12 * MICRO, time_in_force=IOC)
    assert [one for one in stand.told if isinstance(one, FillReport)] == stand.read_fills()


@pytest.mark.parametrize(("value_u", "paid_usd"), [(MICRO, 5), (0, 0), (500_000, 2.5)])
def test_a_settled_market_pays_once(stand: PaperStand, value_u: int, paid_usd: float):
    stand.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    before_u = stand.state.cash_u
    for _ in range(2):
        stand.list(state=MarketState.SETTLED, settlement_value_u=value_u)
        stand.hear(MarketStateChanged(stand.market.market_id, MarketState.SETTLED, stand.now_ms, None, value_u))
    (settlement,) = now(stand.reader.settlements_since(0))
    assert (settlement.payout_u, settlement.value_u) == (round(paid_usd * MICRO), value_u)
    assert stand.state.cash_u == before_u + settlement.payout_u
    assert now(stand.reader.positions()) == []


def test_a_result_without_payment_pays_nothing_yet(stand: PaperStand):
    stand.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    stand.list(state=MarketState.DETERMINED, result=Outcome.YES)
    assert now(stand.reader.settlements_since(0)) == []
