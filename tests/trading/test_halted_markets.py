"""A halt stops its scope and no more: one venue's accounts, one market, the markets of one game."""

from __future__ import annotations

import pytest

from accounts.models import VenueAccount
from markets.models import Market
from markets.services import game_upsert, market_link
from risk.models import HaltScope, HaltState
from risk.services import halt_set
from tests.builders import a_claimed_order, a_market, an_account
from tests.markets.test_matching import a_game
from trading.selectors.halts import halted_markets, trading_state, trading_states
from venues.types import Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def kalshi() -> VenueAccount:
    return an_account()


@pytest.fixture
def polymarket(kalshi: VenueAccount) -> VenueAccount:
    return an_account(kalshi.user, venue=Venue.POLYMARKET)


@pytest.fixture
def market() -> Market:
    market = a_market()
    market_link(game=game_upsert(game=a_game()), market=market, yes_is_home=True)
    a_market("ANOTHER")
    return market


def halt(scope: HaltScope, key: str, state: HaltState = HaltState.HALTED) -> None:
    halt_set(scope=scope, scope_key=key, state=state, code="manual", reason="drill", actor="op")


def test_a_halted_venue_stops_only_its_own_accounts(kalshi, polymarket, django_assert_num_queries):
    halt(HaltScope.VENUE, "polymarket")
    halt(HaltScope.ACCOUNT, str(polymarket.uid), HaltState.PAUSED)
    with django_assert_num_queries(1):
        states = trading_states([kalshi, polymarket])
    assert states == {kalshi.account_key: "active", polymarket.account_key: "halted"}
    assert trading_state([kalshi, polymarket]) == "halted"


def test_what_is_wider_stops_every_account(kalshi, polymarket):
    halt(HaltScope.USER, str(kalshi.user.uid), HaltState.REDUCING)
    assert set(trading_states([kalshi, polymarket]).values()) == {"reducing"}
    assert trading_states([]) == {}


def test_a_halted_market_or_game_names_its_markets_and_the_strictest_wins(kalshi, market, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert halted_markets([kalshi]) == {}
    halt(HaltScope.GAME, "espn:1", HaltState.REDUCING)
    assert halted_markets([kalshi]) == {market.market_id: "reducing"}
    halt(HaltScope.MARKET, market.market_id)
    halt(HaltScope.MARKET, "kalshi:ANOTHER", HaltState.PAUSED)
    assert halted_markets([kalshi]) == {market.market_id: "halted", "kalshi:ANOTHER": "paused"}


def test_a_halted_strategy_names_the_markets_where_its_orders_work(kalshi, market):
    halt(HaltScope.STRATEGY, "another")
    a_claimed_order(kalshi, market)
    assert halted_markets([kalshi]) == {}
    halt(HaltScope.STRATEGY, "dip_reversion")
    assert halted_markets([kalshi]) == {market.market_id: "halted"}
    assert halted_markets([]) == {}
