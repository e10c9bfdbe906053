"""Gamma reads: events and markets by keyset pages, leagues, teams. Cached by the CDN for up to 300 s: never prices.

Unknown parameters are ignored silently by the venue, so a wrong filter would give everything: callers check what they
get. Source: FACTS §4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from venues.errors import ProtocolError
from venues.polymarket.http import Params, VenueHost
from venues.polymarket.schemas_gamma import (
    EventsPage,
    GammaEvent,
    GammaMarket,
    GammaSport,
    GammaTeam,
    MarketsPage,
)

_PAGE = 100
_MAX_PAGES = 200


class Gamma:
    def __init__(self, host: VenueHost) -> None:
        self._host = host

    async def events(
        self,
        *,
        tag_id: int | None = None,
        start_time_min: str | None = None,
        start_time_max: str | None = None,
        is_closed: bool = False,
        game_id: int | None = None,
    ) -> list[GammaEvent]:
        """All pages. Times are ISO texts of the games' scheduled starts."""
        asked = {
            "tag_id": tag_id,
            "start_time_min": start_time_min,
            "start_time_max": start_time_max,
            "game_id": game_id,
        }
        params: dict[str, str | int] = {name: value for name, value in asked.items() if value is not None}
        params |= {
            "limit": _PAGE,
            "closed": "true" if is_closed else "false",
            "order": "startTime",
            "ascending": "true",
        }
        events: list[GammaEvent] = []
        for _ in range(_MAX_PAGES):
            page = await self._host.read("/events/keyset", EventsPage, bucket="gamma", params=params)
            events += page.events
            if not page.next_cursor:
                return events
            params["after_cursor"] = page.next_cursor
        raise ProtocolError("the list of events does not end", code="endless_pages")

    async def markets(self, condition_ids: Sequence[str], *, is_closed: bool = False) -> list[GammaMarket]:
        """Up to 100 markets by condition id; unknown ones are missing."""
        params: Params = {
            "condition_ids": list(condition_ids),
            "limit": _PAGE,
            "closed": "true" if is_closed else "false",
        }
        return (await self._host.read("/markets/keyset", MarketsPage, bucket="gamma", params=params)).markets

    async def sports(self) -> list[GammaSport]:
        """One row per league; series ids change with every season, so read it at start-up."""
        return await self._host.read_list("/sports", GammaSport, bucket="gamma")

    async def teams(self, league: str) -> list[GammaTeam]:
        """All teams of one of the venue's leagues."""
        teams: list[GammaTeam] = []
        for offset in range(0, _PAGE * _MAX_PAGES, _PAGE):
            params: Params = {"league": league, "limit": _PAGE, "offset": offset}
            page = await self._host.read_list("/teams", GammaTeam, bucket="gamma", params=params)
            teams += page
            if len(page) < _PAGE:
                break
        return teams
