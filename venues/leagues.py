"""The leagues we know: our code for each, and what ESPN, Kalshi and Polymarket call it.

The table is `data/leagues.toml` (its head names the sources); a league inherits what its sport says. Codes are ours,
lower case and stable: they are stored in databases. Seconds are whole seconds of one period.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

import msgspec

from venues.shapes import ready

KALSHI_TIE_CODE = "TIE"
POLYMARKET_DRAW_CODE = "draw"
_DERIVED_KALSHI_ENDINGS = ("SPREAD", "TOTAL")
_MONEYLINE_KALSHI_ENDINGS = ("GAME", "MATCH", "FIGHT")


class Clock(StrEnum):
    """Which way ESPN's clock runs in a sport."""

    DOWN = "down"
    UP = "up"
    NONE = "none"


class League(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One league. `home_first`: Kalshi's event codes name the home side first (soccer; the rest is away first).

    `periods` × `period_s` is regulation; `period_s` 0 means that nothing is timed. `overtime_s` is one overtime period
    of the regular season, 0 if untimed. `groups` is ESPN's filter that yields every game instead of the Top 25.
    """

    code: str
    name: str
    espn: str
    periods: int
    period: str
    kalshi: str = ""
    polymarket: str = ""
    period_s: int = 0
    clock: Clock = Clock.NONE
    overtime_s: int = 0
    has_draw: bool = False
    home_first: bool = False
    groups: str = ""

    @property
    def sport(self) -> str:
        """ESPN's word: basketball, football, baseball, hockey, soccer, tennis, mma …"""
        return self.espn.partition("/")[0]

    @property
    def espn_league(self) -> str:
        return self.espn.partition("/")[2]

    @property
    def regulation_s(self) -> int:
        return self.periods * self.period_s


class _Table(msgspec.Struct):
    sports: dict[str, dict[str, str | int | bool]]
    leagues: dict[str, dict[str, str | int | bool]]


def _load() -> Mapping[str, League]:
    text = resources.files("venues").joinpath("data/leagues.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), ready(_Table))
    leagues: dict[str, League] = {}
    for code, own in table.leagues.items():
        sport = str(own["espn"]).partition("/")[0]
        leagues[code] = msgspec.convert({**table.sports[sport], **own, "code": code}, League)
    return MappingProxyType(leagues)


LEAGUES: Mapping[str, League] = _load()


def league(code: str) -> League:
    """The league of our code. Raises KeyError with a sentence."""
    try:
        return LEAGUES[code]
    except KeyError:
        raise KeyError(f"No league has the code {code!r}; the codes are in venues/data/leagues.toml.") from None


def by_kalshi_series(series: str) -> League | None:
    """The league of a Kalshi series: its moneyline series itself, or the spread or total series beside it."""
    known = _by_kalshi()
    if series in known:
        return known[series]
    for ending in _DERIVED_KALSHI_ENDINGS:
        stem = series.removesuffix(ending)
        if stem != series:
            return next((known[stem + base] for base in _MONEYLINE_KALSHI_ENDINGS if stem + base in known), None)
    return None


def by_polymarket_prefix(prefix: str) -> League | None:
    """The league whose Polymarket slugs start with `prefix` (`nba` in `nba-atl-was-2025-12-06`)."""
    return _by_polymarket().get(prefix)


def by_espn_path(path: str) -> League | None:
    """The league of ESPN's `sport/league` path, for instance `basketball/nba`."""
    return _by_espn().get(path)


@functools.cache
def _by_kalshi() -> dict[str, League]:
    return {one.kalshi: one for one in LEAGUES.values() if one.kalshi}


@functools.cache
def _by_polymarket() -> dict[str, League]:
    return {one.polymarket: one for one in LEAGUES.values() if one.polymarket}


@functools.cache
def _by_espn() -> dict[str, League]:
    return {one.espn: one for one in LEAGUES.values()}
