"""Who is who: the teams and players of a league under the names ESPN, Kalshi and Polymarket give them.

The table is `data/teams.json`. A code means something only inside one league and, strictly, only at one venue: Kalshi's
`MUN` is Manchester United and ESPN's is Bayern, NCAA codes of one venue are other schools' codes at the next. So
`resolve` looks inside one league, compares whole names and whole codes, and answers None when two teams fit. It never
guesses: a wrong pairing would trade the wrong game.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from importlib import resources

import msgspec

from venues.shapes import ready

ESPN = "espn"
_NOT_IN_NAMES = re.compile(r"[^\w&']+")


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is ours, unique in its league. Venue codes: the first is current, the others older or seen as well."""

    code: str
    name: str
    league: str = ""
    espn_id: str = ""
    espn: tuple[str, ...] = ()
    kalshi: tuple[str, ...] = ()
    polymarket: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def codes(self, venue: str) -> tuple[str, ...]:
        """Its codes at `kalshi`, `polymarket` or `espn`."""
        if venue == "kalshi":
            return self.kalshi
        return self.polymarket if venue == "polymarket" else self.espn


class _File(msgspec.Struct):
    leagues: dict[str, list[Team]]


class _Index:
    """What a word can mean in one league; a word with two meanings is kept as None."""

    def __init__(self, members: tuple[Team, ...]) -> None:
        self.names = _unique((_normal(name), team) for team in members for name in (team.name, *team.names))
        self.ids = {team.espn_id: team for team in members if team.espn_id}
        self.by_venue = {
            venue: _unique((code.upper(), team) for team in members for code in team.codes(venue))
            for venue in ("kalshi", "polymarket", ESPN)
        }
        everywhere = ((code.upper(), team) for team in members for venue in self.by_venue for code in team.codes(venue))
        self.any_code = _unique(everywhere)


def teams(league: str) -> tuple[Team, ...]:
    """Every team we know in a league; empty where we have no list."""
    return _all().get(league, ())


def resolve(league: str, text_or_code: str, venue: str | None = None) -> Team | None:
    """The one team of the league that goes by this name or code, or None if there is none or more than one.

    With `venue` (`kalshi`, `polymarket`, `espn`) a code is read as that venue's, otherwise it must mean the same team
    wherever it is used. Names count for every venue; case, accents and punctuation do not.
    """
    index = _index(league)
    code = text_or_code.strip().upper()
    codes = index.any_code if venue is None else index.by_venue[venue]
    if code in codes:
        return codes[code]
    return index.names.get(_normal(text_or_code))


def by_espn_id(league: str, espn_id: str) -> Team | None:
    """The surest way from ESPN: its team id inside one league."""
    return _index(league).ids.get(espn_id)


def split_pair(league: str, code_pair: str, venue: str) -> tuple[Team, Team] | None:
    """Split two codes written without a gap (`ATLWSH` of a Kalshi event) by the closed list of the league.

    None unless exactly one cut gives two different teams: codes have two to five letters, so a guess would be wrong.
    """
    codes = _index(league).by_venue[venue]
    pair = code_pair.upper()
    cuts = ((codes.get(pair[:at]), codes.get(pair[at:])) for at in range(1, len(pair)))
    found = [(first, second) for first, second in cuts if first and second and first.code != second.code]
    return found[0] if len(found) == 1 else None


def _normal(name: str) -> str:
    """Lower case without accents and punctuation, but with `&` and apostrophes (Texas A&M, Hawai'i)."""
    plain = unicodedata.normalize("NFKD", name)
    bare = "".join(char for char in plain if not unicodedata.combining(char)).replace("’", "'")
    return " ".join(_NOT_IN_NAMES.sub(" ", bare.casefold()).split())


def _unique(pairs: Iterable[tuple[str, Team]]) -> dict[str, Team | None]:
    found: dict[str, Team | None] = {}
    for word, team in pairs:
        known = found.setdefault(word, team)
        if known is not None and known.code != team.code:
            found[word] = None
    return found


@functools.cache
def _all() -> dict[str, tuple[Team, ...]]:
    data = resources.files("venues").joinpath("data/teams.json").read_bytes()
    file = msgspec.json.decode(data, type=ready(_File))
    return {
        code: tuple(msgspec.structs.replace(team, league=code) for team in members)
        for code, members in file.leagues.items()
    }


@functools.cache
def _index(league: str) -> _Index:
    return _Index(teams(league))
