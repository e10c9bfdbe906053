"""A user whose trader is on one game at both venues, as pages show it: real rows, and payloads of a real session."""

from __future__ import annotations

from typing import Any

from accounts.models import User, VenueAccount
from core import live
from markets.models import Game, Market
from markets.services import PriceSample, game_upsert, market_link, market_upsert, price_points_record
from notifications.models import AlertLevel
from notifications.services import alert_raise
from tests.builders import a_fill, a_user, an_account, an_ack, an_epoch, an_intent
from tests.trading.domain import scene
from trading.domain.commands import Decision
from trading.domain.messages import GameLinked
from trading.engine import views
from trading.models import Order
from trading.services.claims import order_claim
from trading.services.decisions import decisions_record
from trading.services.fills import fill_book
from trading.services.orders import order_acknowledge
from venues.types import OrderState, Venue

AWAY_MARKET = "polymarket:0xaway"
CENT = 10_000


class Shown:
    """`kalshi` is the market of home, `polymarket` that of away. The session holds nothing; the rows may."""

    def __init__(self) -> None:
        self.user: User = a_user()
        self.account: VenueAccount = an_account(self.user)
        self.scene = scene.Scene()
        self.recent = views.Recent()
        self._play_pregame()
        self.game: Game = game_upsert(game=scene.game(detail="9:36 - 2nd Quarter"))
        self.kalshi = self._listed(scene.MARKET, yes_is_home=True)
        self.polymarket = self._listed(AWAY_MARKET, yes_is_home=False)
        self.uids = {scene.GAME: str(self.game.uid)}
        self.uids |= {market.market_id: str(market.uid) for market in (self.kalshi, self.polymarket)}
        decisions_record(user=self.user, batch=scene.only(self.scene.log, Decision))
        self.rows_seq = 1
        self._seq: dict[str, int] = {}

    # --- what happens -----------------------------------------------------------------------------------------------

    def quote(self, bid: int, ask: int, *, market_id: str = scene.MARKET) -> None:
        """A new book of a market, and what the strategy says to it, kept."""
        said = self.scene.play(scene.book(bid, ask, market_id))
        decisions_record(user=self.user, batch=scene.only(said, Decision))

    def score(self, home: int, away: int) -> None:
        self.scene.play(scene.game(home_score=home, away_score=away, detail="8:01 - 2nd Quarter"))

    def fill(self) -> Order:
        """Ten YES bought at 40 cents by an order of ours; rows changed."""
        intent = an_intent(self.kalshi)
        order = order_claim(venue_account=self.account, lease_epoch=an_epoch(self.account), intent=intent)
        order_acknowledge(order=order, ack=an_ack(order, OrderState.RESTING))
        order.refresh_from_db()
        fill_book(venue_account=self.account, report=a_fill(self.account, self.kalshi, order=order))
        self.rows_seq += 1
        return order

    def warn(self) -> None:
        alert_raise(user=self.user, level=AlertLevel.WARNING, code="test", title="Look at this", dedupe_key="shown")
        self.rows_seq += 1

    def keep_prices(self) -> None:
        at_ms = self.scene.now_us // 1_000
        price_points_record(
            batch=[PriceSample(market_id=scene.MARKET, at_ms=at_ms, bid_u=58 * CENT, ask_u=60 * CENT, fair_u=57 * CENT)]
        )

    # --- what the trader publishes ----------------------------------------------------------------------------------

    def payloads(self) -> dict[str, dict[str, Any]]:
        """Topic → payload, as they are now."""
        return {
            live.GAMES_TOPIC: {"games": [self._line() | {"markets": [self._quote(one) for one in self._views()]}]},
            live.game_topic(self.game.uid): self._game(),
            live.desk_topic(self.user.uid): self._desk(),
        }

    async def publish(self) -> None:
        """Send all of them, numbered and dated."""
        for topic, payload in self.payloads().items():
            self._seq[topic] = self._seq.get(topic, 0) + 1
            dated = {"seq": self._seq[topic], "at_ms": self.scene.now_us // 1_000, "speed": 10.0}
            await live.publish(topic, {**dated, **payload})

    def lose_one(self) -> None:
        """A payload of every topic is numbered and reaches nobody."""
        self._seq = {topic: seq + 1 for topic, seq in self._seq.items()}

    # --- how --------------------------------------------------------------------------------------------------------

    def _play_pregame(self) -> None:
        self.scene.set_up()
        listed = scene.listing(AWAY_MARKET, venue=Venue.POLYMARKET, yes_label="Away", no_label="Home")
        self.scene.play(listed, GameLinked(scene.GAME, AWAY_MARKET, False), scene.book(39, 42, AWAY_MARKET))
        self.scene.play(scene.game(detail="9:36 - 2nd Quarter"))

    def _listed(self, market_id: str, *, yes_is_home: bool) -> Market:
        market = market_upsert(market=self.scene.session.markets[market_id].listing)
        market_link(game=self.game, market=market, yes_is_home=yes_is_home)
        market.refresh_from_db()
        return market

    def _views(self) -> list[Any]:
        return list(self.scene.session.markets.values())

    def _line(self) -> dict[str, Any]:
        return views.game_line(self.scene.session.games[scene.GAME], str(self.game.uid))

    def _quote(self, market: Any) -> dict[str, Any]:
        return views.quote(market, self.uids[market.market_id], self.scene.now_us)

    def _game(self) -> dict[str, Any]:
        markets = [
            views.market_detail(one, self.uids[one.market_id], self.recent, self.scene.now_us) for one in self._views()
        ]
        return {"game": self._line(), "markets": markets, "rows_seq": self.rows_seq}

    def _desk(self) -> dict[str, Any]:
        legs = views.open_legs(self.scene.session)
        told = {"mode": "simulated", "status": "running", "trading_state": "active", "halt_reason": ""}
        return {**told, **views.money(self.scene.session, legs, 0), "positions": legs, "rows_seq": self.rows_seq}
