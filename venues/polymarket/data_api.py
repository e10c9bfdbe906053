"""Data API reads, by the funding wallet's address (never the signer's). Behind a cache: evidence for audits, no fills.

v2 is read by default; v1 answers the same questions for positions and trades should v2 be down. Source: FACTS §5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from venues.errors import ProtocolError
from venues.polymarket.http import Params, VenueHost
from venues.polymarket.schemas_data import (
    ActivityPage,
    ActivityV2,
    PositionsPage,
    PositionV1,
    PositionV2,
    Resolution,
    ResolutionsPage,
    TradesPageV2,
    TradeV1,
    TradeV2,
)

_LIMIT = 500
_MAX_PAGES = 200
_Page = TypeVar("_Page", PositionsPage, TradesPageV2, ActivityPage, ResolutionsPage)


class DataApi:
    def __init__(self, host: VenueHost) -> None:
        self._host = host

    async def positions(self, user: str, *, status: str | None = None) -> list[PositionV2]:
        """`status`: OPEN, REDEEMABLE, REDEEMABLE_LOST, MERGEABLE, CLOSED; None leaves the choice to the venue."""
        params: Params = {"user": user} | ({"status": status} if status else {})
        pages = await self._pages("/v2/positions", PositionsPage, params)
        return [position for page in pages for position in page.data]

    async def positions_v1(self, user: str) -> list[PositionV1]:
        positions: list[PositionV1] = []
        for offset in range(0, _LIMIT * _MAX_PAGES, _LIMIT):
            params: Params = {"user": user, "limit": _LIMIT, "offset": offset, "sizeThreshold": 0}
            page = await self._host.read_list("/positions", PositionV1, bucket="data", params=params)
            positions += page
            if len(page) < _LIMIT:
                return positions
        raise ProtocolError("the list of positions does not end", code="endless_pages")

    async def trades(self, *, user: str) -> list[TradeV2]:
        pages = await self._pages("/v2/trades", TradesPageV2, {"user": user})
        return [trade for page in pages for trade in page.data]

    async def trades_v1(self, *, market: str, limit: int = 100) -> list[TradeV1]:
        """The latest public trades of a condition."""
        params: Params = {"market": market, "limit": limit}
        return await self._host.read_list("/trades", TradeV1, bucket="data", params=params)

    async def activity(self, user: str, *, types: Sequence[str], start_s: int | None = None) -> list[ActivityV2]:
        """Movements of the given types (REDEEM, SPLIT, MAKER_REBATE …) since unix second `start_s`."""
        params: dict[str, str | int | Sequence[str]] = {"user": user, "type": ",".join(types)}
        if start_s is not None:
            params["start"] = start_s
        pages = await self._pages("/v2/activity", ActivityPage, params)
        found = (each for page in pages for each in page.data)
        return [each for each in found if each.type in types and (start_s is None or each.timestamp >= start_s)]

    async def resolution(self, condition: str) -> Resolution | None:
        """How a condition resolved; None while it has not."""
        pages = await self._pages("/v2/resolutions", ResolutionsPage, {"condition_id": condition})
        rows = [row for page in pages for row in page.data if row.condition_id == condition]
        return next((row for row in rows if row.value_u is not None), None)

    async def _pages(self, path: str, schema: type[_Page], params: Params) -> list[_Page]:
        """Every page of a v2 list. Raises rather than return a part of it."""
        asked: dict[str, str | int | Sequence[str]] = {**params, "limit": _LIMIT}
        pages: list[_Page] = []
        for _ in range(_MAX_PAGES):
            page = await self._host.read(path, schema, bucket="data", params=asked)
            pages.append(page)
            if not page.pagination.has_more or not page.pagination.next_cursor:
                return pages
            asked["cursor"] = page.pagination.next_cursor
        raise ProtocolError(f"{path} does not end", code="endless_pages")
