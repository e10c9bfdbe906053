"""Which games and markets are watched, and which belong together.

Story: games come from the game feed, listings from each venue; a listing that names a known game is kept, linked and
streamed. Links are rows: after a restart they are there before the first listing is read again. Invariant: a market is
traded only when it is linked, and a link once made is not moved by a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog

from markets.matching import NoMatch, match
from markets.models import Game, Market
from markets.services import games_upsert, market_link, markets_upsert
from trading.domain.messages import DomainMessage, GameLinked
from trading.engine.database import DatabaseThread
from venues.errors import VenueError
from venues.ports import MarketDataFeed
from venues.types import GameState, MarketKind, MarketListed, MarketState, Message, Venue, VenueMarket

log = structlog.get_logger(__name__)

HOUR_MS = 3_600_000
BEHIND_MS = 12 * HOUR_MS
AHEAD_MS = 36 * HOUR_MS


class Discovery:
    """Knows the listings (`market_of`) and keeps the streams on what matters."""

    def __init__(
        self,
        *,
        feeds: Mapping[Venue, MarketDataFeed],
        leagues: Iterable[str],
        database: DatabaseThread,
        tell: Callable[[Message | DomainMessage], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._feeds = feeds
        self._leagues = tuple(leagues)
        self._database = database
        self._tell = tell
        self._now_ms = now_ms
        self._games: dict[str, GameState] = {}
        self.listings: dict[str, VenueMarket] = {}
        self.links: dict[str, GameLinked] = {}
        self.uids: dict[str, str] = {}
        self.unmatched: dict[str, tuple[str, ...]] = {}

    def market_of(self, market_id: str) -> VenueMarket | None:
        return self.listings.get(market_id)

    def note_game(self, game: GameState) -> None:
        self._games[game.game_id] = game

    def note_listing(self, market: VenueMarket) -> None:
        """A venue told new terms of a market that we know."""
        if market.market_id in self.listings:
            self.listings[market.market_id] = market

    async def restore(self) -> None:
        """Bring back what an earlier run linked and what has not settled; the session hears of it first."""
        for market, link, uids in await self._database.call(_stored_links):
            self.uids |= uids
            self._keep(market, link)
        await self._watch()

    async def refresh(self) -> None:
        """Read the listings of every league that has games; a venue that does not answer keeps what it had."""
        played = {game.league for game in self._games.values()}
        for venue, feed in self._feeds.items():
            for league in (league for league in self._leagues if league in played):
                try:
                    listed = await feed.list_markets(league)
                except VenueError as error:
                    log.warning("listing_failed", venue=venue, league=league, code=error.code, error=error.message)
                    continue
                await self._take(listed)
        await self._watch()

    async def _take(self, listed: list[VenueMarket]) -> None:
        matched: list[tuple[VenueMarket, GameLinked, str]] = []
        for market in listed:
            if market.kind is not MarketKind.MONEYLINE or not self._is_near(market):
                continue
            link, note = self._link_of(market, [one for one in listed if one.event_id == market.event_id])
            if link is not None:
                matched.append((market, link, note))
        if matched:
            games = [self._games[link.game_id] for _, link, _ in matched if link.game_id in self._games]
            self.uids |= await self._database.call(_store_links, matched, games)
        for market, link, _ in matched:
            if self.listings.get(market.market_id) != market:
                self._keep(market, link)

    def _link_of(self, market: VenueMarket, siblings: list[VenueMarket]) -> tuple[GameLinked | None, str]:
        known = self.links.get(market.market_id)
        if known is not None:
            return known, ""
        found = match(market, self._games.values(), siblings)
        if isinstance(found, NoMatch):
            self.unmatched[market.market_id] = found.reasons
            return None, ""
        self.unmatched.pop(market.market_id, None)
        return GameLinked(found.game_id, market.market_id, found.yes_is_home), "; ".join(found.reasons)

    def _is_near(self, market: VenueMarket) -> bool:
        if market.game_start_ms is None:
            return market.market_id in self.links
        return -BEHIND_MS <= market.game_start_ms - self._now_ms() <= AHEAD_MS

    def _keep(self, market: VenueMarket, link: GameLinked) -> None:
        self.listings[market.market_id] = market
        self.links[market.market_id] = link
        self._tell(MarketListed(market))
        self._tell(link)

    async def _watch(self) -> None:
        for venue, feed in self._feeds.items():
            wanted = [one for one in self.listings.values() if one.venue is venue]
            await feed.watch([one for one in wanted if one.state is not MarketState.SETTLED])


def _store_links(matched: list[tuple[VenueMarket, GameLinked, str]], states: list[GameState]) -> dict[str, str]:
    """Keep games, listings and links; the public ids of both by their native ones."""
    games = {row.game_id: row for row in games_upsert(games=states)}
    markets = {row.market_id: row for row in markets_upsert(markets=[market for market, _, _ in matched])}
    for market, link, note in matched:
        if link.game_id in games:
            market_link(
                game=games[link.game_id], market=markets[market.market_id], yes_is_home=link.yes_is_home, note=note
            )
    rows: list[Game | Market] = [*games.values(), *markets.values()]
    return {_native_id(row): str(row.uid) for row in rows}


def _stored_links() -> list[tuple[VenueMarket, GameLinked, dict[str, str]]]:
    rows = Market.objects.exclude(state=MarketState.SETTLED).exclude(game=None).select_related("game")
    stored = []
    for row in rows:
        assert row.game is not None
        link = GameLinked(row.game.game_id, row.market_id, row.yes_is_home)
        uids = {row.market_id: str(row.uid), row.game.game_id: str(row.game.uid)}
        stored.append((row.venue_market, link, uids))
    return stored


def _native_id(row: Game | Market) -> str:
    return row.game_id if isinstance(row, Game) else row.market_id
