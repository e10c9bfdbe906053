"""Orders and trades become reports: by our recorded frames, for every side and token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from venues.errors import ProtocolError
from venues.polymarket.markets import Routing, routing_text
from venues.polymarket.parse import Identity, fill_reports, order_report, settle_state_of
from venues.polymarket.schemas import WireMakerOrder, WireOpenOrder, WireTrade
from venues.polymarket.stream_user import UserChannel
from venues.types import (
    FeeSchedule,
    FillReport,
    MarketKind,
    OrderReport,
    OrderState,
    Outcome,
    SettleState,
    Side,
    Venue,
    VenueMarket,
)

USER = "venues/polymarket/samples/ws_user"
YES = "21742633143463906290569050155826241533067272736897614950488156847949938836455"
NO = "48331043336612883890938759509493159234755048973500640148014422747788308965732"
ME = Identity("main", "my-key", "0xMyWallet")
MARKET = VenueMarket(
    market_id="polymarket:0xdd",
    venue=Venue.POLYMARKET,
    native_id="0xdd",
    event_id="1",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="A vs. B",
    yes_label="A",
    no_label="B",
    fees=FeeSchedule(taker_rate_u=50_000, quantum_u=10),
    routing=routing_text(Routing(YES, NO)),
)


def recorded(shared: Path, name: str, schema: type[Any]) -> Any:
    return msgspec.json.decode((shared / USER / name).read_bytes(), type=schema)


def maker(
    order_id: str, price: str, size: str, *, asset: str = YES, side: str = "", owner: str = "x"
) -> WireMakerOrder:
    return WireMakerOrder(order_id, owner, size, price, asset, side=side)


def trade(*makers: WireMakerOrder, **changes: Any) -> WireTrade:
    terms: dict[str, Any] = {
        "id": "t1",
        "taker_order_id": "0xtaker",
        "market": "0xdd",
        "asset_id": YES,
        "side": "BUY",
        "size": "10",
        "price": "0.5",
        "status": "MATCHED",
        "owner": "my-key",
        "trader_side": "TAKER",
        "match_time": "1725868885",
        "maker_orders": list(makers),
    }
    return WireTrade(**terms | changes)


def test_the_recorded_mint_gives_the_taker_one_leg_at_one_price(shared: Path) -> None:
    """A buy of YES at 0.518 met a buy of NO at 0.482 and two sales of YES at 0.518."""
    wire = recorded(shared, "ntpy_user_trade1.json", WireTrade)
    wire.trader_side = "TAKER"
    (fill,) = fill_reports(wire, ME, MARKET)
    assert (fill.leg, fill.price_u, fill.qty_u) == ("taker", 518_000, _micro(wire.size))
    assert fill.fee_u == 50_000 * fill.qty_u * 518_000 * 482_000 // 10**19 * 10


def test_our_maker_orders_are_found_by_key_or_by_wallet(shared: Path) -> None:
    wire = recorded(shared, "ntpy_user_trade1.json", WireTrade)
    first, second = wire.maker_orders[:2]
    me = Identity("main", first.owner, second.maker_address.upper().replace("0X", "0x"))
    wire.trader_side = "MAKER"
    minted, sold = fill_reports(wire, me, MARKET)
    assert (minted.leg, minted.side, minted.outcome, minted.price_u) == (
        first.order_id,
        Side.BUY,
        Outcome.NO,
        482_000,
    )
    assert (sold.leg, sold.side, sold.outcome, sold.price_u) == (second.order_id, Side.SELL, Outcome.YES, 518_000)
    assert minted.fee_u == sold.fee_u == 0 and not minted.is_taker


def test_the_recorded_trade_with_stated_sides_is_read_as_stated(shared: Path) -> None:
    wire = recorded(shared, "ntpy_user_trade3.json", WireTrade)
    me = Identity("main", wire.maker_orders[0].owner, "0x")
    (fill,) = fill_reports(wire, me, MARKET)
    assert (fill.side, fill.outcome, fill.price_u, fill.qty_u) == (Side.BUY, Outcome.YES, 513_000, 5_000_000)
    assert fill.settle_state is SettleState.CONFIRMED


def test_a_taker_over_several_prices_has_a_leg_for_each() -> None:
    wire = trade(maker("a", "0.4", "5"), maker("b", "0.55", "2", asset=NO), maker("c", "0.45", "3"), price="0.45")
    fills = fill_reports(wire, ME, MARKET)
    assert [(fill.leg, fill.price_u, fill.qty_u) for fill in fills] == [
        ("taker@400000", 400_000, 5_000_000),
        ("taker@450000", 450_000, 5_000_000),
    ]
    assert all(fill.is_taker and fill.venue_order_id == "0xtaker" for fill in fills)


def test_makers_that_do_not_add_up_leave_the_trades_own_price() -> None:
    for wire in (trade(), trade(maker("a", "0.4", "9"))):
        (fill,) = fill_reports(wire, ME, MARKET)
        assert (fill.leg, fill.price_u, fill.qty_u) == ("taker", 500_000, 10_000_000)


def test_a_trade_with_ourselves_is_two_fills() -> None:
    fills = fill_reports(trade(maker("0xmine", "0.5", "10", owner="my-key")), ME, MARKET)
    assert [(fill.leg, fill.side) for fill in fills] == [("taker", Side.BUY), ("0xmine", Side.SELL)]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("MATCHED", SettleState.PENDING),
        ("TRADE_STATUS_MINED", SettleState.PENDING),
        ("RETRYING", SettleState.PENDING),
        ("MATCHED_NOT_BROADCASTED", SettleState.PENDING),
        ("CONFIRMED", SettleState.CONFIRMED),
        ("TRADE_STATUS_FAILED", SettleState.FAILED),
    ],
)
def test_the_life_of_a_trade(status: str, state: SettleState) -> None:
    assert settle_state_of(status) is state


@pytest.mark.parametrize("changes", [{"status": "VANISHED"}, {"side": "buy"}, {"asset_id": "7"}, {"size": "-1"}])
def test_a_trade_that_cannot_be_understood_is_an_error_and_no_fill(changes: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        fill_reports(trade(**changes), ME, MARKET)


@pytest.mark.parametrize(
    ("name", "state", "filled_u", "reason"),
    [
        ("nt_ws_user_order_placement.json", OrderState.RESTING, 0, ""),
        ("nt_ws_user_order_update.json", OrderState.RESTING, 25_000_000, ""),
        ("nt_ws_user_order_matched.json", OrderState.FILLED, 100_000_000, ""),
        ("nt_ws_user_order_cancellation.json", OrderState.CANCELED, 0, "CANCELED"),
        ("nt_ws_user_order_venue_cancel.json", OrderState.CANCELED, 0, "INVALID"),
        (
            "nt_ws_user_order_fok_killed.json",
            OrderState.CANCELED,
            0,
            "CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed.",
        ),
        ("ntpy_order_placement.json", OrderState.RESTING, 0, ""),
        ("ntpy_order_cancel.json", OrderState.FILLED, 5_000_000, ""),
    ],
)
def test_recorded_order_frames(shared: Path, name: str, state: OrderState, filled_u: int, reason: str) -> None:
    report = order_report(recorded(shared, name, WireOpenOrder), ME, None)
    assert (report.state, report.filled_u, report.reason) == (state, filled_u, reason)
    assert report.venue_ms > 1_700_000_000_000 and report.outcome is None


@pytest.mark.parametrize(
    ("kind", "order_type", "status", "matched", "state"),
    [
        ("", "GTC", "ORDER_STATUS_LIVE", "0", OrderState.RESTING),
        ("", "GTC", "DELAYED", "0", OrderState.DELAYED),
        ("UPDATE", "GTC", "UNMATCHED", "0", OrderState.RESTING),
        ("UPDATE", "FAK", "MATCHED", "4", OrderState.CANCELED),
        ("PLACEMENT", "FAK", "LIVE", "0", OrderState.DELAYED),
        ("", "FOK", "ORDER_STATUS_LIVE", "0", OrderState.DELAYED),
        ("UPDATE", "GTC", "MATCHED", "4", OrderState.RESTING),
        ("UPDATE", "GTC", "MATCHED", "9.995", OrderState.FILLED),
        ("CANCELLATION", "GTD", "CANCELED_EXPIRED_ORDER", "0", OrderState.EXPIRED),
        ("CANCELLATION", "GTC", "a reason nobody wrote down", "0", OrderState.CANCELED),
        ("", "GTC", "CANCELED_MARKET_RESOLVED", "0", OrderState.CANCELED),
    ],
)
def test_the_state_of_an_order(kind: str, order_type: str, status: str, matched: str, state: OrderState) -> None:
    assert (
        order_report(order(kind=kind, order_type=order_type, status=status, matched=matched), ME, MARKET).state is state
    )


def test_a_status_nobody_documented_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        order_report(order(status="THINKING"), ME, MARKET)


def test_an_order_of_the_second_token_is_an_order_for_no() -> None:
    report = order_report(order(asset=NO), ME, MARKET)
    assert (report.outcome, report.price_u, report.qty_u, report.remaining_u) == (
        Outcome.NO,
        400_000,
        10_000_000,
        10_000_000,
    )


def order(
    *, kind: str = "", order_type: str = "GTC", status: str = "LIVE", matched: str = "0", asset: str = YES
) -> WireOpenOrder:
    return WireOpenOrder(
        id="0x1",
        market="0xdd",
        asset_id=asset,
        side="BUY",
        price="0.4",
        original_size="10",
        size_matched=matched,
        status=status,
        type=kind,
        order_type=order_type,
        created_at="1725841741",
    )


class TestUserChannel:
    """The user channel: every trade status once, nothing private lost."""

    def frame(self, **changes: Any) -> bytes:
        return msgspec.json.encode(
            msgspec.structs.asdict(trade(maker("a", "0.5", "10"), **changes)) | {"event_type": "trade"}
        )

    def test_each_status_is_news_once(self) -> None:
        channel = UserChannel(ME, {"0xdd": MARKET}.get)
        statuses = ["MATCHED", "MATCHED", "MINED", "RETRYING", "MINED", "CONFIRMED", "CONFIRMED"]
        told = [channel.feed(self.frame(status=status)) for status in statuses]
        assert [len(messages) for messages in told] == [1, 0, 1, 1, 0, 1, 0]
        assert channel.counts["repeated_trade"] == 3

    def test_the_same_trade_read_by_rest_is_no_news(self) -> None:
        channel = UserChannel(ME, {"0xdd": MARKET}.get)
        channel.feed(self.frame())
        assert channel.trade(trade(maker("a", "0.5", "10"))) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"match_time_nano": "NaN"},
            {"match_time_nano": "1.5"},
            {"match_time_nano": "9" * 5_000},
            {"match_time": "9" * 5_000},
            {"match_time": "9" * 20},
            {"size": "9" * 5_000},
        ],
        ids=lambda changes: f"{next(iter(changes))} {next(iter(changes.values()))[:4]}",
    )
    def test_impossible_figures_are_doubted_at_once_and_when_the_market_is_learned(
        self, changes: dict[str, str]
    ) -> None:
        for knows in (True, False):
            known = {"0xdd": MARKET} if knows else {}
            channel = UserChannel(ME, known.get)
            assert channel.feed(self.frame(**changes)) == []
            known["0xdd"] = MARKET
            assert channel.learned() == []
            assert channel.is_doubtful

    def test_a_trade_of_an_unknown_market_waits_for_it(self) -> None:
        known: dict[str, VenueMarket] = {}
        channel = UserChannel(ME, known.get)
        assert channel.feed(self.frame()) == [] and channel.missing == ["0xdd"]
        assert channel.learned() == []
        known["0xdd"] = MARKET
        (fill,) = channel.learned()
        assert isinstance(fill, FillReport) and channel.missing == []

    def test_an_array_of_objects_is_read_and_a_bad_one_raises_doubt(self) -> None:
        channel = UserChannel(ME, {"0xdd": MARKET}.get)
        placed = msgspec.json.encode(msgspec.structs.asdict(order(kind="PLACEMENT")))
        frame = b"[" + b",".join([self.frame(), b'{"type":"TRADE"}', placed]) + b"]"
        fill, report = channel.feed(frame)
        assert isinstance(fill, FillReport) and isinstance(report, OrderReport)
        assert channel.is_doubtful and channel.counts["unreadable"] == 1

    @pytest.mark.parametrize("frame", [b"", b"hello", b"[", b"7", b'{"event_type":"balance"}', "\ud800"])
    def test_what_it_does_not_understand_raises_doubt_and_nothing_else(self, frame: bytes | str) -> None:
        channel = UserChannel(ME, {"0xdd": MARKET}.get)
        assert channel.feed(frame) == [] and channel.is_doubtful


def _micro(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0") or 0)
