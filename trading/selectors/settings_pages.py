"""The leagues a user can set up: those with settings, and those the venues list games of."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from core.errors import NotFound
from trading.domain.segments import regulation_segments
from trading.models import SportConfig
from venues.leagues import LEAGUES, League


@dataclass(frozen=True, slots=True)
class SportSetting:
    """A league with its settings; defaults where the user has none yet."""

    league: League
    config: SportConfig
    is_new: bool

    @property
    def name(self) -> str:
        return self.league.name

    @property
    def segments(self) -> tuple[str, ...]:
        return regulation_segments(self.league.code)


def sport_settings(user: User) -> list[SportSetting]:
    """Leagues traded at both venues first by name of code; those without settings follow with the defaults."""
    rows = {row.league: row for row in SportConfig.objects.filter(user=user)}
    listed = [one for one in LEAGUES.values() if one.code in rows or (one.kalshi and one.polymarket)]
    settings = [_setting(user, one, rows.get(one.code)) for one in listed]
    return sorted(settings, key=lambda one: (one.is_new, one.league.code))


def sport_setting(user: User, league: str) -> SportSetting:
    """Raises NotFound for a league we do not know."""
    if league not in LEAGUES:
        raise NotFound
    return _setting(user, LEAGUES[league], SportConfig.objects.filter(user=user, league=league).first())


def _setting(user: User, league: League, row: SportConfig | None) -> SportSetting:
    return SportSetting(league, row or SportConfig(user=user, league=league.code), row is None)
