"""The simulated Polymarket as one object: what is listed, who may trade, and the applications that speak its wire.

The world lists events, tells how far games are and calls `advance` after each step; clients talk to `clob_app`,
`gamma_app` and `data_app`. The truth is the exchange: this face keeps texts, keys, trade histories and subscriptions,
and needs no state file of its own, because keys and ids are derived. After a restart: list the events, register the
wallets, restore the exchange, `reload`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from venues.simulator.asgi import Router
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import ExchangeEvent
from venues.simulator.faults import FaultPlan, NoFaults
from venues.simulator.polymarket_account import AccountDesk
from venues.simulator.polymarket_approvals import Approvals
from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_clob import ClobParts, SignInDesk, clob_app
from venues.simulator.polymarket_data import DataReader
from venues.simulator.polymarket_data_app import DataApp
from venues.simulator.polymarket_gamma import GammaObjects
from venues.simulator.polymarket_gamma_app import GammaApp
from venues.simulator.polymarket_gate import Gate, SignerLimits
from venues.simulator.polymarket_heartbeat import Heartbeats
from venues.simulator.polymarket_history import PriceHistory
from venues.simulator.polymarket_listing import Catalogue, EventListing, GameProgress, Listed, market_spec
from venues.simulator.polymarket_market_feed import MarketFeed
from venues.simulator.polymarket_modes import EngineModes
from venues.simulator.polymarket_orders import OrderEntry
from venues.simulator.polymarket_public import PublicDesk
from venues.simulator.polymarket_records import Identities
from venues.simulator.polymarket_sockets import ChannelEndpoints
from venues.simulator.polymarket_trades import TradeLog
from venues.simulator.polymarket_user_feed import UserFeed
from venues.simulator.polymarket_wallets import Credentials, Keyring, Wallet
from venues.types import MICRO, MarketState, PriceBand

FINE_TICK_U = 1_000
_FINE_BELOW_U = 40_000
"""Below 4¢ and above 96¢ a cent grid becomes a tenth-of-a-cent grid, and stays one."""


class PolymarketFace:
    """`now_ms` is the world's clock; `wall_s` the real one, for header freshness, limits and heartbeats only."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        now_ms: Callable[[], int],
        wall_s: Callable[[], float],
        server_secret: bytes,
        faults: FaultPlan | None = None,
    ) -> None:
        self._exchange = exchange
        self._now_ms = now_ms
        self.catalogue = Catalogue()
        self.approvals = Approvals()
        self.keyring = Keyring(server_secret=server_secret, wall_s=wall_s)
        self._books = BookReader(exchange)
        self._history = PriceHistory(self._books)
        self._heartbeats = Heartbeats(wall_s)
        names = Identities(self.keyring.owner_of)
        self._trades = TradeLog(exchange, self.catalogue, names)
        self._users = UserFeed(self.catalogue, self._trades, names)
        self._markets = MarketFeed(self._books, self.catalogue)
        self._build_apps(names, wall_s, faults or NoFaults())
        exchange.subscribe(self._on_event)
        exchange.on_commit(self._markets.flush)

    def _build_apps(self, names: Identities, wall_s: Callable[[], float], faults: FaultPlan) -> None:
        exchange, catalogue, trades, now_ms = self._exchange, self.catalogue, self._trades, self._now_ms
        self.limits = limits = SignerLimits(wall_s)
        self.modes = EngineModes(wall_s)
        gate = Gate(keyring=self.keyring, faults=faults, limits=limits, modes=self.modes)
        parts = ClobParts(
            gate=gate,
            sign_in=SignInDesk(self.keyring),
            public=PublicDesk(
                books=self._books, catalogue=catalogue, trades=trades, history=self._history, now_ms=now_ms
            ),
            entry=OrderEntry(
                exchange=exchange,
                catalogue=catalogue,
                trades=trades,
                users=self._users,
                approvals=self.approvals,
                now_ms=now_ms,
            ),
            account=AccountDesk(
                exchange=exchange,
                catalogue=catalogue,
                trades=trades,
                names=names,
                approvals=self.approvals,
                now_ms=now_ms,
            ),
            heartbeats=self._heartbeats,
            limits=limits,
            channels=ChannelEndpoints(
                markets=self._markets, users=self._users, keyring=self.keyring, faults=faults, now_ms=now_ms
            ),
            wall_s=wall_s,
        )
        objects = GammaObjects(catalogue=catalogue, books=self._books, history=self._history)
        reader = DataReader(exchange=exchange, catalogue=catalogue, books=self._books, history=self._history)
        self.clob_app: Router = clob_app(parts)
        self.gamma_app: Router = GammaApp(catalogue=catalogue, books=self._books, objects=objects, gate=gate).router()
        self.data_app: Router = DataApp(reader, gate).router()

    def register_wallet(self, wallet: Wallet) -> Credentials:
        """Let a wallet sign in; its exchange account is `wallet.account_id` and is opened by the caller."""
        return self.keyring.register(wallet)

    def list_event(
        self, event: EventListing, now_ms: int, *, settle_timer_ms: int = 0, state: MarketState | None = None
    ) -> None:
        """List an event and open its markets at the exchange, with the condition id as native id. A market pays
        `settle_timer_ms` after `Exchange.determine`: 0 where the world itself waits for the oracle."""
        self.catalogue.add(event)
        for market in event.markets:
            spec = market_spec(Listed(event, market), event.start_ms, settle_timer_ms=settle_timer_ms)
            self._exchange.add_market(spec, now_ms, state=state)

    def update_game(self, event_id: str, progress: GameProgress, now_ms: int) -> None:
        """Tell how far a game is. A changed start (None: postponed) moves the clear of its books as well."""
        event, before = self.catalogue.events[event_id], self.catalogue.progress[event_id]
        self.catalogue.progress[event_id] = progress
        if progress.start_ms == before.start_ms:
            return
        for market in event.markets:
            spec = self._exchange.market(market.condition_id).spec
            delay_ms = market.seconds_delay * 1000 if progress.start_ms is not None else 0
            moved = msgspec.structs.replace(spec, game_start_ms=progress.start_ms, taker_delay_ms=delay_ms)
            self._exchange.update_terms(moved, now_ms)

    def advance(self, now_ms: int) -> None:
        """What the venue does by itself, besides the exchange: finer grids near the ends, price history, and the
        dead-man switch of silent API keys. Call it after every step of the world."""
        for account_id in self._heartbeats.overdue():
            self._exchange.cancel_all(account_id, now_ms)
        for listed in self.catalogue.markets():
            self._history.sample(listed, now_ms)
            self._refine_grid(listed, now_ms)

    def reload(self) -> None:
        """After `Exchange.restore`: read fills and known orders back into the face's own views."""
        self._trades.reload()
        for account_id in self._exchange.account_ids():
            self._users.know_orders(order.order_id for order in self._exchange.orders(account_id))

    def _on_event(self, event: ExchangeEvent) -> None:
        self._trades.on_event(event)
        self._users.on_event(event)
        self._markets.on_event(event)

    def _refine_grid(self, listed: Listed, now_ms: int) -> None:
        market = self._books.market(listed)
        if market.state is not MarketState.OPEN or market.spec.bands[0].step_u <= FINE_TICK_U:
            return
        if _FINE_BELOW_U <= self._history.price_u(listed) <= MICRO - _FINE_BELOW_U:
            return
        # A start that is past must not be armed again: new terms would wipe the book in play.
        is_before_start = market.spec.game_start_ms is None or now_ms < market.spec.game_start_ms
        finer = msgspec.structs.replace(
            market.spec,
            bands=(PriceBand(0, MICRO, FINE_TICK_U),),
            clears_book_at_start=market.spec.clears_book_at_start and is_before_start,
        )
        self._exchange.update_terms(finer, now_ms)
