"""The teams that generated games are played by, from the shared table of who is who.

ESPN ids that the table does not know are derived from the team's code: the same at every start, and outside the range
of real ones.
"""

from __future__ import annotations

import functools
import zlib

from venues import teams
from venues.leagues import league as league_of
from venues.simulator.games.sheet import TeamCard
from venues.teams import Team


@functools.cache
def cards(league: str) -> tuple[TeamCard, ...]:
    """Every team of the league that Kalshi lists under a code of its own. Raises KeyError without any."""
    known = [team for team in teams.teams(league) if team.kalshi]
    seen = [team.kalshi[0] for team in known]
    unique = [team for team in known if seen.count(team.kalshi[0]) == 1]
    if len(unique) < 2:
        raise KeyError(f"No teams are known for the league {league!r}; add them to venues/data/teams.json.")
    return tuple(_card(team) for team in unique)


def card(league: str, code: str, venue: str) -> TeamCard:
    """The team that goes by `code` at `kalshi`, `polymarket` or `espn`. Raises KeyError with a sentence."""
    team = teams.resolve(league, code, venue)
    if team is None:
        raise KeyError(f"No {league} team has the {venue} code {code!r}.")
    return _card(team)


def _card(team: Team) -> TeamCard:
    kalshi = team.kalshi[0] if team.kalshi else team.code
    location, name = _split_name(team)
    return TeamCard(
        espn_id=team.espn_id or str(900_000 + zlib.crc32(f"{team.league}:{team.code}".encode()) % 100_000),
        code=team.espn[0] if team.espn else kalshi,
        location=location,
        name=name,
        kalshi=kalshi,
        polymarket=team.polymarket[0] if team.polymarket else kalshi.lower(),
    )


def _split_name(team: Team) -> tuple[str, str]:
    """("Atlanta", "Hawks"); clubs and players go by one name."""
    if league_of(team.league).sport in ("soccer", "tennis"):
        return team.name, team.name
    for name in team.names:
        if team.name.endswith(" " + name):
            return team.name.removesuffix(" " + name), name
    location, _, name = team.name.rpartition(" ")
    return location, name
