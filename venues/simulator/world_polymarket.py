"""How the simulated Polymarket lists a game: which market pays for which side, with the venue's own ids and texts."""

from __future__ import annotations

from venues.simulator.exchange_types import MarketSpec
from venues.simulator.flow.quoted import Side
from venues.simulator.games.sheet import Fixture, TeamCard
from venues.simulator.polymarket_listing import (
    Catalogue,
    EventListing,
    Listed,
    MarketListing,
    TeamListing,
    market_spec,
)
from venues.simulator.polymarket_sports import game_event


def list_game(
    catalogue: Catalogue, fixture: Fixture, *, listed_ms: int, settle_timer_ms: int
) -> tuple[EventListing, list[tuple[MarketSpec, Side]]]:
    """Fill the catalogue with the game and return its event and its markets with the side that YES pays for."""
    event = game_event(
        league=fixture.league,
        away=_team(fixture.away, "away"),
        home=_team(fixture.home, "home"),
        start_ms=fixture.start_ms,
        listed_ms=listed_ms,
    )
    catalogue.add(event)
    specs = [
        (market_spec(Listed(event, market), fixture.start_ms, settle_timer_ms=settle_timer_ms), _side(event, market))
        for market in event.markets
    ]
    return event, specs


def _team(card: TeamCard, ordering: str) -> TeamListing:
    return TeamListing(
        id=100_000 + int(card.espn_id) % 900_000,
        name=card.name,
        abbreviation=card.polymarket,
        ordering=ordering,
        full_name=card.display,
    )


def _side(event: EventListing, market: MarketListing) -> Side:
    """Three-way markets name their side in the group title; a two-way market's YES is its first outcome."""
    name = market.group_item_title if market.is_neg_risk else market.outcomes[0]
    team = next((each for each in event.teams if each.name == name), None)
    if team is None:
        return "draw"
    return "home" if team.ordering == "home" else "away"
