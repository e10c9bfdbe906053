"""The market stream: books live from snapshot to loss, losses told at once, snapshots asked for until they come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.venues.kalshi.wire_frames import (
    commands,
    delta,
    error,
    frame,
    lifecycle,
    ok,
    snapshot,
    subscribed,
)
from venues.kalshi.stream import KalshiStream
from venues.types import (
    BookDelta,
    BookGap,
    BookSnapshot,
    MarketState,
    MarketStateChanged,
    Outcome,
    PublicTrade,
    Side,
)

SECOND = 1_000_000
A, B = "KXNBAGAME-26OCT20OKCSAS-OKC", "KXNBAGAME-26OCT20OKCSAS-SAS"
YES = [("0.4700", "3.00")]
NO = [("0.5200", "1.00")]


def connected(*tickers: str) -> KalshiStream:
    """A stream whose three subscriptions were accepted as sid 1, 2 and 3."""
    stream = KalshiStream()
    stream.watch(tickers or (A,), 0)
    stream.open(0)
    for sid, command in enumerate(commands(stream.take_commands()), start=1):
        stream.feed(subscribed(command["id"], command["params"]["channels"][0], sid), 0)
    stream.take_stale()
    return stream


def live(*tickers: str) -> KalshiStream:
    """A stream with a live book of every ticker; the next seq is one more than there are tickers."""
    stream = connected(*tickers)
    for seq, ticker in enumerate(tickers, start=1):
        stream.feed(snapshot(ticker, 1, seq, yes=YES, no=NO), 0)
    return stream


def test_it_subscribes_books_in_yes_prices_explicitly() -> None:
    stream = KalshiStream()
    stream.watch([B, A], 0)
    assert stream.take_commands() == []
    stream.open(0)
    books, trades, states = commands(stream.take_commands())
    assert books["params"] == {"channels": ["orderbook_delta"], "use_yes_price": True, "market_tickers": [A, B]}
    assert trades["params"] == {"channels": ["trade"], "market_tickers": [A, B]}
    assert states["params"] == {"channels": ["market_lifecycle_v2"]}
    assert len({books["id"], trades["id"], states["id"]} - {0}) == 3


def test_a_snapshot_and_deltas_are_in_the_yes_frame() -> None:
    stream = connected()
    (book,) = stream.feed(snapshot(A, 1, 1, yes=YES, no=NO), 7_000_000)
    assert book == BookSnapshot(f"kalshi:{A}", ((470_000, 3_000_000),), ((520_000, 1_000_000),), 7_000)
    (ask,) = stream.feed(delta(A, 1, 2, price="0.5200", change="-1.00", side="no"), 0)
    assert ask == BookDelta(f"kalshi:{A}", False, 520_000, -1_000_000, 1_000)
    (bid,) = stream.feed(delta(A, 1, 3, price="0.4700", change="0.27"), 0)
    assert bid == BookDelta(f"kalshi:{A}", True, 470_000, 270_000, 1_000)


def test_an_absent_side_is_empty() -> None:
    (book,) = connected().feed(snapshot(A, 1, 1, yes=YES), 0)
    assert isinstance(book, BookSnapshot)
    assert book.asks == ()


def test_the_older_form_is_turned_into_yes_prices() -> None:
    stream = KalshiStream(use_yes_price=False)
    stream.watch([A], 0)
    stream.open(0)
    stream.feed(subscribed(1, "orderbook_delta", 1), 0)
    (book,) = stream.feed(snapshot(A, 1, 1, no=[("0.4800", "2.00")]), 0)
    (change,) = stream.feed(delta(A, 1, 2, price="0.4800", side="no"), 0)
    assert isinstance(book, BookSnapshot)
    assert book.asks == ((520_000, 2_000_000),)
    assert isinstance(change, BookDelta)
    assert change.price_u == 520_000


def test_several_lines_in_one_frame_are_all_read() -> None:
    stream = connected()
    messages = stream.feed(snapshot(A, 1, 1, yes=YES) + "\n" + delta(A, 1, 2) + delta(A, 1, 3), 0)
    assert [type(message) for message in messages] == [BookSnapshot, BookDelta, BookDelta]
    assert [type(message) for message in stream.feed(delta(A, 1, 4).encode(), 0)] == [BookDelta]


def test_an_ok_takes_a_number_of_the_sequence() -> None:
    stream = live(A)
    stream.watch([A, B], SECOND)
    add = commands(stream.take_commands())[0]
    assert (add["params"]["action"], add["params"]["sids"], add["params"]["market_tickers"]) == (
        "add_markets",
        [1],
        [B],
    )
    assert stream.feed(ok(add["id"], 1, 2), SECOND) == []
    assert [type(message) for message in stream.feed(snapshot(B, 1, 3, yes=YES), SECOND)] == [BookSnapshot]
    assert not stream.counts


def test_a_gap_takes_every_live_book_and_asks_for_snapshots_at_once() -> None:
    stream = live(A, B)
    messages = stream.feed(delta(A, 1, 4), SECOND)
    assert {message.market_id for message in messages if isinstance(message, BookGap)} == {f"kalshi:{A}", f"kalshi:{B}"}
    assert len(messages) == 2
    (again,) = commands(stream.take_commands())
    assert again["params"] == {"sids": [1], "market_tickers": [A, B], "action": "get_snapshot"}
    assert stream.feed(delta(A, 1, 5), SECOND) == []
    assert stream.counts == {"orderbook_delta_gap": 1, "delta_without_book": 1}
    assert [type(message) for message in stream.feed(snapshot(A, 1, 6, yes=YES), SECOND)] == [BookSnapshot]
    assert [type(message) for message in stream.feed(delta(A, 1, 7), SECOND)] == [BookDelta]
    assert stream.live_count == 1


def test_a_snapshot_behind_a_gap_stands_itself() -> None:
    stream = live(A, B)
    messages = stream.feed(snapshot(A, 1, 9, yes=YES), SECOND)
    assert [type(message) for message in messages] == [BookGap, BookGap, BookSnapshot]
    assert stream.live_count == 1


def test_a_second_gap_does_not_ask_again_for_what_is_on_its_way() -> None:
    stream = live(A)
    stream.feed(delta(A, 1, 5), SECOND)
    assert len(stream.take_commands()) == 1
    assert stream.feed(delta(A, 1, 9), SECOND) == []
    assert stream.take_commands() == []


def test_old_frames_change_nothing() -> None:
    stream = live(A)
    stream.feed(delta(A, 1, 2), 0)
    assert stream.feed(delta(A, 1, 2), 0) == []
    assert stream.feed(snapshot(A, 1, 1, yes=YES), 0) == []
    assert stream.counts == {"orderbook_delta_old": 2}
    assert [type(message) for message in stream.feed(delta(A, 1, 3), 0)] == [BookDelta]


def test_a_sequence_that_starts_again_is_a_gap() -> None:
    stream = live(A)
    for seq in range(2, 50):
        stream.feed(delta(A, 1, seq), 0)
    told = [message for seq in (1, 2, 3) for message in stream.feed(delta(A, 1, seq), 0)]
    assert [type(message) for message in told] == [BookGap]
    assert [type(message) for message in stream.feed(snapshot(A, 1, 4, yes=YES), 0)] == [BookSnapshot]


def test_frames_of_an_unknown_subscription_change_nothing() -> None:
    stream = live(A)
    assert stream.feed(delta(A, 9, 1), 0) == []
    assert stream.feed(snapshot(A, 9, 1, yes=YES), 0) == []
    assert stream.counts == {"unknown_sid": 2}
    assert [type(message) for message in stream.feed(delta(A, 1, 2), 0)] == [BookDelta]


@pytest.mark.parametrize("code", [10, 17, 25])
def test_a_terminal_error_loses_the_books_and_subscribes_again(code: int) -> None:
    stream = live(A, B)
    messages = stream.feed(error(code, sid=1, seq=3), SECOND)
    assert [type(message) for message in messages] == [BookGap, BookGap]
    (again,) = commands(stream.take_commands())
    assert again["cmd"] == "subscribe"
    assert again["params"]["market_tickers"] == [A, B]
    assert stream.feed(delta(A, 1, 4), SECOND) == []
    stream.feed(subscribed(again["id"], "orderbook_delta", 7), SECOND)
    assert [type(message) for message in stream.feed(snapshot(A, 7, 1, yes=YES), SECOND)] == [BookSnapshot]


def test_a_terminal_error_without_a_subscription_trusts_none() -> None:
    stream = live(A)
    assert [type(message) for message in stream.feed(error(25), SECOND)] == [BookGap]
    sent = [command["cmd"] for command in commands(stream.take_commands())]
    assert sent.count("unsubscribe") == 3
    assert sent.count("subscribe") == 3


def test_a_subscription_that_keeps_dying_is_asked_for_ever_more_slowly() -> None:
    stream, now, asked = connected(), 0, []
    sid = 1
    while now < 60 * SECOND:
        stream.feed(error(10, sid=sid), now)
        stream.tick(now)
        for command in commands(stream.take_commands()):
            if command["cmd"] == "subscribe":
                asked.append(now)
                sid += 100
                stream.feed(subscribed(command["id"], "orderbook_delta", sid), now)
        now += SECOND // 4
    assert asked[0] == 0
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits == sorted(waits)
    assert len(asked) <= 8


def test_the_end_of_the_trade_stream_leaves_the_books_alone() -> None:
    stream = live(A)
    assert stream.feed(error(10, sid=2), SECOND) == []
    assert stream.live_count == 1


def test_a_snapshot_that_never_comes_is_asked_for_again_and_told_once() -> None:
    stream = connected(A, B)
    stream.feed(snapshot(A, 1, 1, yes=YES), 0)
    assert stream.tick(5 * SECOND) == []
    assert stream.tick(5 * SECOND + 1) == [BookGap(f"kalshi:{B}", "no snapshot has come")]
    (again,) = commands(stream.take_commands())
    assert again["params"] == {"sids": [1], "market_tickers": [B], "action": "get_snapshot"}
    assert stream.tick(14 * SECOND) == []
    assert stream.take_commands() == []
    for at_s in range(16, 300):  # the other book is live all the while
        assert stream.tick(at_s * SECOND) == []
    asked = [command["params"]["market_tickers"] for command in commands(stream.take_commands())]
    assert asked.count([B]) == 8 and asked.count([A]) == 4
    assert [type(message) for message in stream.feed(delta(A, 1, 2), 0)] == [BookDelta]


def test_an_unreadable_frame_is_a_gap_at_once() -> None:
    stream = live(A)
    for bad in (delta(A, 1, 2, price="NaN"), delta(A, 1, 2, side="maybe"), "{", delta(A, 1, 2, price="1.0000"), "[1]"):
        messages = stream.feed(bad, SECOND)
        assert [type(message) for message in messages] == [BookGap]
        (again,) = commands(stream.take_commands())
        assert again["params"]["action"] == "get_snapshot"
        stream.feed(snapshot(A, 1, 2, yes=YES), SECOND)
        stream.open(0)
        for sid, command in enumerate(commands(stream.take_commands()), start=1):
            stream.feed(subscribed(command["id"], command["params"]["channels"][0], sid), 0)
        stream.feed(snapshot(A, 1, 1, yes=YES), 0)
    assert len(stream.unreadable) == 5


def test_a_lost_connection_loses_every_book_and_a_new_one_starts_afresh() -> None:
    stream = live(A)
    assert [type(message) for message in stream.close(SECOND)] == [BookGap]
    assert stream.close(SECOND) == []
    assert stream.take_commands() == []
    stream.open(2 * SECOND)
    assert [command["cmd"] for command in commands(stream.take_commands())] == ["subscribe"] * 3
    assert stream.take_stale() == {A}
    assert stream.feed(delta(A, 1, 2), 2 * SECOND) == []


def test_watching_less_deletes_and_watching_nothing_unsubscribes() -> None:
    stream = live(A, B)
    stream.watch([B], SECOND)
    actions = [command["params"]["action"] for command in commands(stream.take_commands())]
    assert actions == ["delete_markets", "delete_markets"]
    assert stream.feed(delta(A, 1, 3), SECOND) == []
    stream.watch([], SECOND)
    assert [command["cmd"] for command in commands(stream.take_commands())] == ["unsubscribe", "unsubscribe"]
    stream.watch([A], SECOND)
    assert [command["cmd"] for command in commands(stream.take_commands())] == ["subscribe", "subscribe"]
    stream.tick(SECOND)
    assert stream.take_commands() == []


def test_a_refused_market_does_not_bar_the_others() -> None:
    stream = live(A)
    stream.watch([A, B], SECOND)
    add = commands(stream.take_commands())[0]
    assert stream.feed(error(11, number=add["id"], sid=1, seq=2), SECOND) == []
    stream.tick(2 * SECOND)
    assert stream.live_count == 1
    assert [type(message) for message in stream.feed(delta(A, 1, 3), SECOND)] == [BookDelta]
    stream.tick(32 * SECOND)
    again = [command for command in commands(stream.take_commands()) if command["params"].get("sids") == [1]]
    assert [command["params"]["action"] for command in again] == ["add_markets"]


def test_a_trade_is_a_print_of_yes() -> None:
    stream = live(A)
    msg = {
        "trade_id": "t",
        "market_ticker": A,
        "yes_price_dollars": "0.3600",
        "no_price_dollars": "0.6400",
        "count_fp": "136.00",
        "taker_side": "no",
        "taker_outcome_side": "no",
        "taker_book_side": "ask",
        "ts": 1,
        "ts_ms": 1_669_149_841_000,
    }
    (trade,) = stream.feed(frame(type="trade", sid=2, seq=1, msg=msg), 0)
    assert trade == PublicTrade(f"kalshi:{A}", "t", 360_000, 136_000_000, Side.SELL, 1_669_149_841_000)
    (without_seq,) = stream.feed(frame(type="trade", sid=2, msg=msg), 0)
    assert without_seq == trade
    assert stream.feed(frame(type="trade", sid=2, seq=9, msg=msg), 0) == [trade]
    assert stream.counts["trade_gap"] == 1
    assert stream.live_count == 1


@pytest.mark.parametrize(
    ("event_type", "fields", "state", "result", "value_u"),
    [
        ("activated", {"is_deactivated": False}, MarketState.OPEN, None, None),
        ("deactivated", {"is_deactivated": True}, MarketState.PAUSED, None, None),
        ("deactivated", {}, MarketState.PAUSED, None, None),
        (
            "determined",
            {"result": "yes", "settlement_value": "1.0000", "determination_ts": 5},
            MarketState.DETERMINED,
            Outcome.YES,
            1_000_000,
        ),
        ("determined", {"result": "scalar", "settlement_value": "0.5000"}, MarketState.DETERMINED, None, 500_000),
    ],
)
def test_the_life_of_a_market_is_told(
    event_type: str, fields: dict[str, object], state: MarketState, result: Outcome | None, value_u: int | None
) -> None:
    stream = live(A)
    (change,) = stream.feed(lifecycle(A, event_type, **fields), 9_000_000)
    assert isinstance(change, MarketStateChanged)
    assert (change.state, change.result, change.settlement_value_u) == (state, result, value_u)
    assert change.venue_ms == (5_000 if "determination_ts" in fields else 9_000)
    assert stream.take_stale() == {A}


def test_a_settled_market_repeats_its_result() -> None:
    stream = live(A)
    stream.feed(lifecycle(A, "determined", result="no", settlement_value="0.0000"), 0)
    (change,) = stream.feed(lifecycle(A, "settled", seq=2, settled_ts=8), 0)
    assert change == MarketStateChanged(f"kalshi:{A}", MarketState.SETTLED, 8_000, Outcome.NO, 0)


@pytest.mark.parametrize("event_type", ["close_date_updated", "price_level_structure_updated", "something_new"])
def test_changed_terms_are_to_be_read_again(event_type: str) -> None:
    stream = live(A)
    assert stream.feed(lifecycle(A, event_type), 0) == []
    assert stream.take_stale() == {A}
    assert stream.feed(lifecycle("KXOTHER-1-X", event_type, seq=2), 0) == []
    assert stream.take_stale() == set()


def test_a_fee_change_of_an_event_names_its_markets() -> None:
    stream = live(A, B)
    msg = {"event_ticker": A.rpartition("-")[0], "fee_type_override": "quadratic", "fee_multiplier_override": 0.5}
    assert stream.feed(frame(type="event_fee_update", sid=3, seq=1, msg=msg), 0) == []
    assert stream.take_stale() == {A, B}
    assert stream.take_stale_events() == {A.rpartition("-")[0]}
    assert not stream.reader.census.unknown


def test_a_lost_lifecycle_frame_makes_everything_stale() -> None:
    stream = live(A, B)
    stream.feed(lifecycle("KXOTHER-1-X", "created", seq=5), 0)
    assert stream.take_stale() == {A, B}
    assert stream.live_count == 2


def test_unknown_types_and_fields_are_counted_and_harmless() -> None:
    stream = live(A)
    assert stream.feed(frame(type="brand_new", sid=1, seq=2, msg={}), 0) == []
    assert stream.reader.unknown_types == {"brand_new": 1}
    assert [type(message) for message in stream.feed(delta(A, 1, 3), 0)] == [BookDelta]
    stream.feed(frame(type="ok", id=99, sid=1, seq=4, msg={}, surprise=1), 0)
    assert stream.reader.census.unknown == {"OkFrame.surprise": 1}


def test_a_command_without_an_answer_is_given_up_and_sent_again() -> None:
    stream = KalshiStream()
    stream.watch([A], 0)
    stream.open(0)
    first = commands(stream.take_commands())
    stream.tick(9 * SECOND)
    assert stream.take_commands() == []
    stream.tick(11 * SECOND)
    again = commands(stream.take_commands())
    assert [command["cmd"] for command in again] == ["subscribe"] * 3
    late = subscribed(first[0]["id"], "orderbook_delta", 4)
    stream.feed(late, 12 * SECOND)
    assert commands(stream.take_commands()) == [
        {"id": again[-1]["id"] + 1, "cmd": "unsubscribe", "params": {"sids": [4]}}
    ]
