"""Listings, games, links, baselines and price points are kept as the last message told them."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from core import clock
from markets.models import Game, Market, PricePoint
from markets.retention import price_points_forget_old
from markets.selectors import games_to_match, price_history
from markets.services import (
    PriceSample,
    baseline_record,
    game_upsert,
    market_link,
    market_state_set,
    market_upsert,
    price_points_record,
)
from tests.builders import NOON_MS, a_listing, a_market
from tests.markets.test_matching import TIP_OFF_MS, a_game
from venues.types import GameStatus, MarketState, Outcome

pytestmark = pytest.mark.django_db


def test_a_listing_survives_the_database_in_every_field():
    listing = a_listing(team_names=("Atlanta", "Washington"), game_start_ms=TIP_OFF_MS, routing='{"shard":1}')
    assert market_upsert(market=listing).venue_market == listing


def test_a_later_listing_replaces_the_terms_but_not_the_link():
    market = a_market()
    market_link(game=game_upsert(game=a_game()), market=market, yes_is_home=True)
    changed = market_upsert(market=a_listing(taker_delay_ms=3_000))
    assert (changed.pk, changed.venue_market.taker_delay_ms, changed.yes_is_home) == (market.pk, 3_000, True)


def test_a_settled_market_never_opens_again():
    a_market()
    market_state_set(market_id="kalshi:GAME-HOME", state=MarketState.SETTLED, result=Outcome.YES, value_u=1_000_000)
    market = market_upsert(market=a_listing())
    assert (market.state, market.result, market.settlement_value_u) == ("settled", "yes", 1_000_000)
    assert market.venue_market.result is Outcome.YES


def test_a_link_once_made_stays():
    market, first = a_market(), game_upsert(game=a_game())
    second = game_upsert(game=a_game("espn:2"))
    assert market_link(game=first, market=market, yes_is_home=True)
    assert not market_link(game=second, market=market, yes_is_home=False)
    assert Market.objects.get().game == first


def test_a_game_is_one_row_and_its_state_survives():
    game_upsert(game=a_game())
    live = msgspec.structs.replace(a_game(), status=GameStatus.IN_PROGRESS, home_score=7)
    row = game_upsert(game=live)
    assert (Game.objects.count(), row.is_live, row.home_score) == (1, True, 7)
    assert games_to_match(around=clock.from_ms(TIP_OFF_MS)) == [live]


def test_a_late_baseline_never_replaces_an_early_one():
    a_market()
    name = "kalshi:GAME-HOME"
    assert baseline_record(market_id=name, mid_u2=1_000_000, strength_u=500_000, is_late=True)
    assert baseline_record(market_id=name, mid_u2=1_100_000, strength_u=None, is_late=False)
    assert not baseline_record(market_id=name, mid_u2=900_000, strength_u=None, is_late=True)
    assert Market.objects.get().baseline_mid_u2 == 1_100_000


def test_price_points_are_kept_once_per_moment_and_read_oldest_first():
    market = a_market()
    samples = [
        PriceSample(market_id=market.market_id, at_ms=NOON_MS + second * 1000, bid_u=400_000, ask_u=None)
        for second in range(3)
    ]
    stranger = PriceSample(market_id="kalshi:NOBODY", at_ms=NOON_MS, bid_u=1, ask_u=2)
    price_points_record(batch=[*samples, stranger])
    price_points_record(batch=samples)
    assert PricePoint.objects.count() == 3
    assert [clock.to_ms(point.at) for point in price_history(market)] == [s.at_ms for s in samples]


def test_old_price_points_are_forgotten():
    market = a_market()
    price_points_record(batch=[PriceSample(market_id=market.market_id, at_ms=NOON_MS, bid_u=1, ask_u=2)])
    assert price_points_forget_old() == 0
    Market.objects.update(updated_at=clock.now() - timedelta(days=8))
    assert price_points_forget_old() == 1
