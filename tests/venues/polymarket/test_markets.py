"""Recorded listings become markets: kinds, sides by name, terms, states, results; contradictions are refused."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from venues.errors import ProtocolError
from venues.leagues import league
from venues.polymarket.discovery import Discovery
from venues.polymarket.gamma import Gamma
from venues.polymarket.http import VenueHost
from venues.polymarket.markets import Routing, routing_of, routing_text, venue_market
from venues.polymarket.markets_clob import market_of_clob, refreshed
from venues.polymarket.schemas import ClobMarket, LongMarket, LongToken, WireToken
from venues.polymarket.schemas_gamma import GammaEvent, GammaMarket
from venues.types import MICRO, MarketKind, MarketState, Outcome, VenueMarket

SAMPLES = "venues/polymarket/samples"


@pytest.fixture(scope="module")
def nba(shared: Path) -> list[GammaEvent]:
    return _events(shared, "events_real_2026-01_nba.json")


@pytest.fixture(scope="module")
def nfl(shared: Path) -> GammaEvent:
    """Its header is recorded without the fields that follow `markets`."""
    event = _events(shared, "event_real_2026-10-06_nfl-tb-dal_TRIMMED.json")[0]
    return msgspec.structs.replace(event, game_id=1, start_time="2026-10-09T00:15:00Z")


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(Gamma(VenueHost(name="gamma", base_url="http://127.0.0.1:1")), clock_ms=lambda: 0)


def _events(shared: Path, name: str) -> list[GammaEvent]:
    return msgspec.json.decode((shared / SAMPLES / "gamma" / name).read_bytes(), type=list[GammaEvent])


def listed(event: GammaEvent, index: int, **changes: Any) -> VenueMarket:
    assert event.markets
    market = msgspec.structs.replace(event.markets[index], **changes)
    return venue_market(event, market, league="nfl")


def test_fifty_recorded_games_are_listed_whole(nba: list[GammaEvent], discovery: Discovery) -> None:
    markets = [market for event in nba for market in discovery.markets_of(event, league("nba"))]
    assert Counter(market.kind for market in markets) == {
        MarketKind.MONEYLINE: 50,
        MarketKind.SPREAD: 53,
        MarketKind.TOTAL: 83,
    }
    assert not discovery.skipped
    assert all(len(market.team_names) == 2 for market in markets)
    assert all(market.yes_team_code for market in markets if market.kind is not MarketKind.TOTAL)
    assert all(market.yes_label.startswith("Over ") for market in markets if market.kind is MarketKind.TOTAL)


def test_a_moneyline_names_the_away_team_first_and_knows_its_code(nba: list[GammaEvent]) -> None:
    event = next(event for event in nba if event.slug == "nba-mem-lal-2026-01-04")
    (moneyline,) = [market for market in event.markets or [] if market.sports_market_type == "moneyline"]
    market = venue_market(event, moneyline, league="nba")
    assert (market.yes_label, market.no_label, market.yes_team_code) == ("Grizzlies", "Lakers", "mem")
    assert (market.state, market.result, market.settlement_value_u) == (MarketState.SETTLED, Outcome.NO, 0)
    assert market.taker_delay_ms == 3_000 and market.close_ms is not None


def test_a_spread_is_of_the_team_in_its_question(nfl: GammaEvent) -> None:
    market = listed(nfl, 1)
    assert (market.yes_label, market.no_label, market.yes_team_code) == ("Cowboys -1.5", "Buccaneers +1.5", "dal")
    assert routing_of(market).line == "-1.5"


@pytest.mark.parametrize(
    "changes",
    [
        {"line": Decimal("1.5")},
        {"line": None},
        {"group_item_title": "Spread"},
        {"outcomes": '["Eagles", "Buccaneers"]'},
        {"outcomes": '["Cowboys"]'},
        {"outcomes": "no json"},
        {"clob_token_ids": '["1", "2"]'},
        {"clob_token_ids": None},
        {"version": "v9"},
        {"version": "v2", "position_ids": ["1", "2"]},
        {"order_price_min_tick_size": Decimal("NaN")},
        {"game_start_time": "tomorrow"},
    ],
)
def test_a_listing_that_contradicts_itself_is_refused(nfl: GammaEvent, changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        listed(nfl, 1, **changes)


def test_the_version_chooses_the_asset_ids(nfl: GammaEvent) -> None:
    assert nfl.markets and nfl.markets[0].position_ids
    assert routing_of(listed(nfl, 0)).yes.startswith("41073895388163492044683513841262626450248745686629069268834561")
    assert routing_of(listed(nfl, 0, version="v2")).yes == nfl.markets[0].position_ids[0]


def test_terms_of_the_october_game(nfl: GammaEvent) -> None:
    market = listed(nfl, 0)
    assert (market.fees.taker_rate_u, market.fees.maker_rate_u, market.fees.exponent) == (30_000, 0, 1)
    assert (market.taker_delay_ms, market.clears_book_at_start, market.min_qty_u) == (1_000, True, 5_000_000)
    assert market.game_start_ms == 1_791_504_900_000
    assert market.is_on_grid(10_000) and market.is_on_grid(990_000) and not market.is_on_grid(995_000)
    assert listed(nfl, 0, fees_enabled=False).fees.taker_rate_u == 0
    assert listed(nfl, 0, fee_schedule=None).fees.taker_rate_u == 50_000


def test_a_postponed_game_has_no_start(nba: list[GammaEvent]) -> None:
    event = next(event for event in nba if event.period == "POST")
    for market in event.markets or []:
        if market.sports_market_type == "moneyline":
            postponed = venue_market(event, market, league="nba")
            assert (postponed.game_start_ms, postponed.taker_delay_ms, postponed.state) == (None, 0, MarketState.OPEN)


@pytest.mark.parametrize(
    ("changes", "state", "value_u"),
    [
        ({}, MarketState.OPEN, None),
        ({"accepting_orders": False}, MarketState.PAUSED, None),
        ({"active": False}, MarketState.UNOPENED, None),
        ({"uma_resolution_status": "proposed"}, MarketState.CLOSED, None),
        ({"closed": True, "outcome_prices": '["1", "0"]'}, MarketState.SETTLED, MICRO),
        ({"closed": True, "outcome_prices": '["0.5", "0.5"]'}, MarketState.SETTLED, MICRO // 2),
        ({"closed": True, "outcome_prices": '["0", "0"]'}, MarketState.CLOSED, None),
        ({"closed": True, "outcome_prices": None}, MarketState.CLOSED, None),
    ],
)
def test_states_and_results(nfl: GammaEvent, changes: dict[str, Any], state: MarketState, value_u: int | None) -> None:
    market = listed(nfl, 0, **changes)
    assert (market.state, market.settlement_value_u) == (state, value_u)
    assert market.result == {MICRO: Outcome.YES, 0: Outcome.NO}.get(value_u if value_u is not None else -1)


def test_an_ended_game_is_closed_although_orders_are_still_accepted(nfl: GammaEvent) -> None:
    ended = msgspec.structs.replace(nfl, ended=True)
    assert listed(ended, 0).state is MarketState.CLOSED


def test_events_that_are_no_games_of_the_league_are_left_out(nba: list[GammaEvent], discovery: Discovery) -> None:
    assert discovery.markets_of(nba[0], league("nfl")) == []
    assert discovery.markets_of(msgspec.structs.replace(nba[0], game_id=None), league("nba")) == []
    assert discovery.skipped == {"no game of the league": 2}


def test_one_bad_listing_does_not_hide_the_others(nfl: GammaEvent, discovery: Discovery) -> None:
    assert nfl.markets
    bad: list[GammaMarket] = [msgspec.structs.replace(nfl.markets[0], clob_token_ids='["1", "2"]'), *nfl.markets[1:]]
    found = discovery.markets_of(msgspec.structs.replace(nfl, markets=bad), league("nfl"))
    assert len(found) == len(nfl.markets) - 1 and discovery.skipped == {"bad_ids": 1}


@pytest.fixture
def compact(shared: Path) -> ClobMarket:
    path = shared / SAMPLES / "clob_rest/clob_markets_real_2026-10-06_politics_xi.json"
    return msgspec.json.decode(path.read_bytes(), type=ClobMarket)


def test_a_market_can_be_known_by_its_condition_alone(compact: ClobMarket) -> None:
    market = market_of_clob(compact)
    assert (market.yes_label, market.fees.taker_rate_u, market.tick_u(500_000)) == ("Yes", 40_000, 1_000)
    swapped = msgspec.structs.replace(compact, t=compact.t[::-1])
    assert market_of_clob(swapped) == market
    foreign = msgspec.structs.replace(compact, t=[WireToken("1", "Yes"), WireToken("2", "No")])
    with pytest.raises(ProtocolError):
        market_of_clob(foreign)


def test_a_move_to_the_next_protocol_brings_the_new_ids(compact: ClobMarket) -> None:
    before = market_of_clob(compact)
    moved = msgspec.structs.replace(compact, v="v2", t=[WireToken("257", "No"), WireToken("256", "Yes")])
    after = refreshed(before, moved, long_form(compact))
    assert (routing_of(after).yes, routing_of(after).no, routing_of(after).version) == ("256", "257", "v2")


@pytest.mark.parametrize(
    ("winner", "is_even", "closed", "state", "value_u"),
    [
        (None, False, False, MarketState.OPEN, None),
        (0, False, True, MarketState.SETTLED, MICRO),
        (1, False, True, MarketState.SETTLED, 0),
        (None, True, True, MarketState.SETTLED, MICRO // 2),
        (None, False, True, MarketState.CLOSED, None),
    ],
)
def test_the_long_form_names_the_winner(
    compact: ClobMarket, winner: int | None, is_even: bool, closed: bool, state: MarketState, value_u: int | None
) -> None:
    long = long_form(compact, winner=winner, is_even=is_even, closed=closed)
    market = refreshed(market_of_clob(compact), compact, long)
    assert (market.state, market.settlement_value_u) == (state, value_u)


def test_a_reply_about_another_market_is_an_error(compact: ClobMarket) -> None:
    other = msgspec.structs.replace(long_form(compact), condition_id="0x0")
    with pytest.raises(ProtocolError):
        refreshed(market_of_clob(compact), compact, other)


def long_form(
    compact: ClobMarket, *, winner: int | None = None, is_even: bool = False, closed: bool = False
) -> LongMarket:
    tokens = [LongToken(token.o, token.t, number == winner) for number, token in enumerate(compact.t)]
    return LongMarket(
        condition_id=compact.c,
        accepting_orders=True,
        active=True,
        closed=closed,
        tokens=tokens,
        is_50_50_outcome=is_even,
    )


def test_routing_survives_the_way_through_a_database() -> None:
    routing = Routing("1", "2", version="v2", neg_risk=True, gamma_id="7", line="-3.5")
    assert msgspec.json.decode(routing_text(routing), type=Routing) == routing
    assert (routing.asset(Outcome.NO), routing.outcome("1")) == ("2", Outcome.YES)
    with pytest.raises(ProtocolError):
        routing.outcome("3")
