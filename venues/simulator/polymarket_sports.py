"""The leagues of the simulated Polymarket and the event it would list for a game.

Titles, slugs, outcome order and date conventions differ by league as on the venue: US leagues name the away team
first and most of them the US local date, the NFL the UTC date; soccer has three yes/no markets in one negative-risk
group. Source: polymarket/FACTS §4.3, §4.4; ids the facts do not know are ours.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from hashlib import blake2b

from venues.eastern import eastern_date
from venues.leagues import League
from venues.leagues import league as league_of
from venues.simulator.polymarket_ids import binary_market_ids, neg_risk_market_ids
from venues.simulator.polymarket_listing import EventListing, MarketListing, Sport, TeamListing

_NFL_PROMO = "sports_fees_nfl_cfb_oct26"

_ALL = (
    Sport(
        id=34, code="nba", name="NBA", kind="basketball", resolution="https://www.nba.com/", tag_id=745,
        kind_tag_id=28, series_id=10345, series_slug="nba-2026", seconds_delay=0,
    ),
    Sport(
        id=44, code="wnba", name="WNBA", kind="basketball", resolution="https://www.wnba.com/", tag_id=100254,
        kind_tag_id=28, series_id=10105, series_slug="wnba",
    ),
    Sport(
        id=10, code="nfl", name="NFL", kind="football", resolution="https://www.nfl.com/scores", tag_id=450,
        kind_tag_id=10, series_id=10187, series_slug="nfl-2026", uses_utc_date=True, fee_rate_u=30_000,
        fee_type=_NFL_PROMO,
    ),
    Sport(
        id=11, code="cfb", name="CFB", kind="football", resolution="https://www.ncaa.com/", tag_id=100351,
        kind_tag_id=10, series_id=10210, series_slug="cfb-2026", uses_utc_date=True, fee_rate_u=30_000,
        fee_type=_NFL_PROMO,
    ),
    Sport(
        id=8, code="mlb", name="MLB", kind="baseball", resolution="https://www.mlb.com/", tag_id=100381,
        kind_tag_id=678, series_id=3, series_slug="mlb",
    ),
    Sport(
        id=35, code="nhl", name="NHL", kind="hockey", resolution="https://www.nhl.com/", tag_id=899, kind_tag_id=100088,
        series_id=10346, series_slug="nhl-2026",
    ),
    Sport(
        id=39, code="cbb", name="CBB", kind="basketball", resolution="https://www.ncaa.com/", tag_id=100149,
        kind_tag_id=28, series_id=10470, series_slug="cbb-2026",
    ),
    Sport(
        id=2, code="epl", name="Premier League", kind="soccer", resolution="https://www.premierleague.com/", tag_id=82,
        kind_tag_id=100350, series_id=10188, series_slug="premier-league", ordering="home", uses_utc_date=True,
        is_three_way=True,
    ),
    Sport(
        id=33, code="mls", name="MLS", kind="soccer", resolution="https://www.mlssoccer.com/", tag_id=100100,
        kind_tag_id=100350, series_id=10189, series_slug="mls", ordering="home", is_three_way=True,
    ),
    Sport(
        id=45, code="atp", name="ATP", kind="tennis", resolution="https://www.atptour.com/", tag_id=101232,
        kind_tag_id=864, series_id=10365, series_slug="atp", ordering="home", uses_utc_date=True,
    ),
    Sport(
        id=46, code="wta", name="WTA", kind="tennis", resolution="https://www.wtatennis.com/", tag_id=102123,
        kind_tag_id=864, series_id=10366, series_slug="wta", ordering="home", uses_utc_date=True,
    ),
)  # fmt: skip
SPORTS = {each.code: each for each in _ALL}

_RULES = (
    "If the game is postponed, this market will remain open until the game has been completed.\n"
    "If the game is canceled entirely, with no make-up game, this market will resolve 50-50."
)


def sport_of(league: str) -> Sport:
    """The venue's row for one of our league codes; a league without a row above gets one made from our own table.
    Raises KeyError with a sentence for a code that is no league, or that the venue does not list."""
    known = league_of(league)
    if not known.polymarket:
        raise KeyError(f"Polymarket does not list the league {league!r}.")
    return SPORTS.get(known.polymarket) or _made_up(known)


def _made_up(league: League) -> Sport:
    number = zlib.crc32(league.polymarket.encode()) % 10_000
    is_soccer = league.sport == "soccer"
    return Sport(
        id=100 + number,
        code=league.polymarket,
        name=league.name,
        kind=league.sport,
        resolution="https://www.espn.com/",
        tag_id=200_000 + number,
        kind_tag_id=100_350 if is_soccer else 300_000 + number,
        series_id=20_000 + number,
        series_slug=league.polymarket,
        ordering="home" if is_soccer or league.sport in ("tennis", "mma") else "away",
        uses_utc_date=is_soccer,
        is_three_way=is_soccer,
    )


def game_event(
    *, league: str, away: TeamListing, home: TeamListing, start_ms: int, listed_ms: int, version: str = "v1"
) -> EventListing:
    """The event of a game with its winner market (three for soccer). The same game always gets the same ids; a second
    meeting of two teams on one date shares the slug but not the ids."""
    sport = sport_of(league)
    teams = (away, home) if sport.ordering == "away" else (home, away)
    event_date = _event_date(sport, start_ms)
    slug = f"{sport.code}-{teams[0].abbreviation}-{teams[1].abbreviation}-{event_date}".lower()
    key = f"{slug} {start_ms}"
    make = _three_way if sport.is_three_way else _winner
    markets = make(sport, slug, key, teams, version)
    return EventListing(
        id=str(_number(key)),
        slug=slug,
        title=_title(teams),
        description=markets[0].description,
        sport=sport,
        game_id=_number(f"game {key}"),
        teams=teams,
        start_ms=start_ms,
        listed_ms=listed_ms,
        event_date=event_date,
        markets=markets,
    )


def _winner(
    sport: Sport, slug: str, key: str, teams: tuple[TeamListing, TeamListing], version: str
) -> tuple[MarketListing, ...]:
    first, second = teams
    outcomes = (first.name, second.name)
    rules = "\n".join(f'This market will resolve to "{name}" if {name} win the game.' for name in outcomes)
    description = f"In the upcoming {sport.name} game between {first.name} and {second.name}:\n{rules}\n"
    market = MarketListing(
        id=str(_number(f"market {key}")),
        ids=binary_market_ids(key),
        slug=slug,
        question=_title(teams),
        outcomes=outcomes,
        description=description + "Overtime is included if played.\n" + _RULES,
        seconds_delay=sport.seconds_delay,
        fee_rate_u=sport.fee_rate_u,
        fee_type=sport.fee_type,
        version=version,
    )
    return (market,)


def _three_way(
    sport: Sport, slug: str, key: str, teams: tuple[TeamListing, TeamListing], version: str
) -> tuple[MarketListing, ...]:
    """Win, draw, win: three yes/no questions that share one negative-risk group."""
    draw = TeamListing(id=0, name=f"Draw ({_title(teams)})", abbreviation="draw", ordering="")
    return tuple(
        MarketListing(
            id=str(_number(f"market {index} {key}")),
            ids=neg_risk_market_ids(key, index),
            slug=f"{slug}-{answer.abbreviation}".lower(),
            question=f"Will {answer.name} win?" if answer is not draw else f"Will {_title(teams)} end in a draw?",
            outcomes=("Yes", "No"),
            description=f"90 minutes and stoppage time count.\n{_RULES}",
            group_item_title=answer.name,
            seconds_delay=sport.seconds_delay,
            fee_rate_u=sport.fee_rate_u,
            fee_type=sport.fee_type,
            version=version,
        )
        for index, answer in enumerate((teams[0], draw, teams[1]))
    )


def _title(teams: tuple[TeamListing, TeamListing]) -> str:
    return f"{teams[0].name} vs. {teams[1].name}"


def _event_date(sport: Sport, start_ms: int) -> str:
    if sport.uses_utc_date:
        return datetime.fromtimestamp(start_ms // 1000, UTC).strftime("%Y-%m-%d")
    return eastern_date(start_ms).isoformat()


def _number(key: str) -> int:
    """A number of up to 13 digits for an id: wide enough that two games never share one."""
    return int.from_bytes(blake2b(key.encode(), digest_size=5).digest(), "big")
