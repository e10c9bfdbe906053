"""Finds the game markets of a league: never by building a slug (dates follow three conventions), but by tag and time.

The league's tag is read from `/sports`, because ids change with the season. Unknown filters are ignored by the venue,
so every event is checked again: a game number, a start, a slug of the league. A listing that contradicts itself is left
out, counted and logged; the others are listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from venues.errors import NotFoundAtVenue, ProtocolError
from venues.leagues import League
from venues.leagues import league as league_of
from venues.polymarket.gamma import Gamma
from venues.polymarket.markets import kind_of, venue_market
from venues.polymarket.schemas_gamma import GammaEvent, GammaSport
from venues.types import MarketKind, VenueMarket

log = structlog.get_logger(__name__)

_HOUR_MS = 3_600_000
_BACK_MS = 36 * _HOUR_MS
_AHEAD_MS = 7 * 24 * _HOUR_MS
_ORDER = {MarketKind.MONEYLINE: 0, MarketKind.SPREAD: 1, MarketKind.TOTAL: 2}


class Discovery:
    """`skipped` counts what was left out, by reason."""

    def __init__(self, gamma: Gamma, *, clock_ms: Callable[[], int]) -> None:
        self.skipped: Counter[str] = Counter()
        self._gamma = gamma
        self._clock_ms = clock_ms
        self._sports: dict[str, GammaSport] = {}

    async def list_markets(self, code: str) -> list[VenueMarket]:
        """Open and recently closed markets, moneylines first, then by start. Raises KeyError, or what a read raised."""
        league = league_of(code)
        tag_id = await self._tag_id(league)
        now_ms = self._clock_ms()
        events: dict[str, GammaEvent] = {}
        for is_closed in (True, False):
            found = await self._gamma.events(
                tag_id=tag_id,
                start_time_min=_iso(now_ms - _BACK_MS),
                start_time_max=_iso(now_ms + _AHEAD_MS),
                is_closed=is_closed,
            )
            events.update((event.id, event) for event in found)
        markets = [market for event in events.values() for market in self.markets_of(event, league)]
        return sorted(markets, key=lambda market: (_ORDER[market.kind], market.game_start_ms or 0, market.market_id))

    def markets_of(self, event: GammaEvent, league: League) -> list[VenueMarket]:
        """The winner, spread and total markets of one event; none if it is no game of the league."""
        if event.game_id is None or not event.start_time or not event.slug.startswith(f"{league.polymarket}-"):
            self.skipped["no game of the league"] += 1
            return []
        return [market for market in self._listed(event, league) if market is not None]

    def _listed(self, event: GammaEvent, league: League) -> list[VenueMarket | None]:
        wanted = [market for market in event.markets or [] if kind_of(market) in _ORDER and market.clob_token_ids]
        found: list[VenueMarket | None] = []
        for market in wanted:
            try:
                found.append(venue_market(event, market, league=league.code))
            except ProtocolError as error:
                self.skipped[error.code] += 1
                log.warning("market_skipped", slug=market.slug, code=error.code, reason=error.message)
        return found

    async def _tag_id(self, league: League) -> int:
        """The tag of the league's games. Raises NotFoundAtVenue if the venue does not list the league."""
        if league.polymarket not in self._sports:
            self._sports = {sport.sport: sport for sport in await self._gamma.sports()}
        sport = self._sports.get(league.polymarket) if league.polymarket else None
        if sport is None or (tag_id := _primary_tag(sport)) is None:
            raise NotFoundAtVenue(f"Polymarket lists no league {league.code!r}.", code="unknown_league")
        return tag_id


def _primary_tag(sport: GammaSport) -> int | None:
    """`primaryTagId`, or on older rows the one tag that is neither all sports (1) nor all games (100639)."""
    if sport.primary_tag_id is not None:
        return sport.primary_tag_id
    own = [tag for tag in sport.tags.split(",") if tag.isdecimal() and tag not in ("1", "100639")]
    return int(own[0]) if own else None


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
