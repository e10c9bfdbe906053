"""Puts a simulator together, without any server: exchanges, faces, world, and what was saved before.

Order matters. Faces that follow events come first, then the markets are listed, then client accounts come back with
their orders, then the state file follows; only then does time go on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

import msgspec

from venues.simulator.config import SimulatorConfig
from venues.simulator.espn_app import EspnFace
from venues.simulator.espn_sports import SportsChannel
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES
from venues.simulator.faults import FaultPlan
from venues.simulator.flow.quoted import MAKER, TAKER
from venues.simulator.kalshi_app import KalshiFace
from venues.simulator.kalshi_auth import KeyRecord, KeyRing
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.polymarket_face import PolymarketFace
from venues.simulator.polymarket_wallets import Wallet
from venues.simulator.replay.load import load
from venues.simulator.store import Store, StoreError
from venues.simulator.world import World
from venues.simulator.world_build import Builder
from venues.simulator.world_contest import Contest
from venues.simulator.world_feed import PublicFeed
from venues.simulator.world_saved import SavedWorld, Saver, read_saved
from venues.simulator.world_schedule import Calendar, Scenario, read_scenario
from venues.types import Venue

CHORE_MS = 10_000
REPLAY_LEAD_MS = 15 * 60_000
"""A replay begins this long before the scheduled start, with the last quote seen until then."""


class Assembly:
    """One simulator. Raises ReplayError for a tape and StoreError for a state file that cannot be used."""

    def __init__(self, config: SimulatorConfig, *, faults: FaultPlan | None = None) -> None:
        self.config = config
        self._faults = faults
        self.tape = load(config.tape) if config.tape else None
        self.store = Store(config.state_path) if config.state_path else None
        try:
            self._assemble()
        except BaseException:
            self.close()
            raise

    @property
    def mode(self) -> str:
        return "replay" if self.tape else "generated"

    def now_ms(self) -> int:
        """Virtual time as everybody sees it: the last moment the world has lived through."""
        return self.world.now_ms

    def save(self) -> None:
        """Write the world to the state file, if there is one."""
        if self.store is not None:
            self.store.save_world(self.saver.blob())

    def close(self) -> None:
        if self.store is not None:
            self.store.close()

    def _assemble(self) -> None:
        config, epoch = self.config, self.store.epoch if self.store else 0
        saved = self._saved_world()
        scenario = read_scenario(config.scenario)
        now_ms = self._first_moment(saved, scenario)
        self.kalshi = Exchange(KALSHI_RULES, seed=config.seed, epoch=epoch)
        self.polymarket = Exchange(POLYMARKET_RULES, seed=config.seed, epoch=epoch)
        self._open_houses(now_ms)
        self.world = World(
            {Venue.KALSHI: self.kalshi, Venue.POLYMARKET: self.polymarket},
            now_ms=now_ms,
            more=self._more,
            digest=bytes.fromhex(saved.digest) if saved else b"",
            events=saved.events if saved else 0,
        )
        self.polymarket_face = PolymarketFace(
            self.polymarket,
            now_ms=self.now_ms,
            wall_s=time.time,
            server_secret=hashlib.sha256(f"courtside:{config.seed}".encode()).digest(),
            faults=self._faults,
        )
        self.catalog = KalshiCatalog()
        self.builder = self._builder()
        self.calendar = None
        if self.tape is None:
            state = saved.calendar if saved else None
            self.calendar = Calendar(scenario, seed=config.seed, games=config.games, state=state)
        self.world.begin(self._contests(saved))
        self.world.at(now_ms - now_ms % CHORE_MS + CHORE_MS, self._do_chores)
        self._bring_clients_back()
        self._make_faces()

    def _builder(self) -> Builder:
        return Builder(
            kalshi=self.kalshi,
            polymarket=self.polymarket,
            catalog=self.catalog,
            catalogue=self.polymarket_face.catalogue,
            seed=self.config.seed,
            rate=self.config.flow_rate,
            polymarket_settle_ms=self.config.polymarket_settle_ms,
        )

    def _saved_world(self) -> SavedWorld | None:
        blob = self.store.world() if self.store else None
        if blob is None:
            return None
        try:
            saved = read_saved(blob)
        except msgspec.MsgspecError:
            raise StoreError(f"{self.config.state_path} is of another version: move it away to start over") from None
        if (saved.seed, saved.source) != (self.config.seed, self._source()):
            raise StoreError(
                f"{self.config.state_path} belongs to seed {saved.seed} of {saved.source}: start with those, choose "
                "another --state or move it away to start over"
            )
        return saved

    def _source(self) -> str:
        return self.tape.name if self.tape else f"scenario {self.config.scenario}"

    def _first_moment(self, saved: SavedWorld | None, scenario: Scenario) -> int:
        if saved is not None and self.store is not None:
            latest_ms = max(self.store.saved(venue).latest_ms for venue in Venue)
            return max(saved.now_ms, latest_ms)
        return self.tape.start_ms - REPLAY_LEAD_MS if self.tape else scenario.epoch_ms

    def _open_houses(self, now_ms: int) -> None:
        for exchange in (self.kalshi, self.polymarket):
            for account_id in (MAKER, TAKER):
                exchange.open_account(account_id, 0, is_house=True, now_ms=now_ms)

    def _contests(self, saved: SavedWorld | None) -> Iterable[Contest]:
        now_ms = self.world.now_ms
        if self.tape is not None:
            decided_ms = saved.restored()[0].decided_ms if saved else {}
            return [self.builder.recorded(self.tape, now_ms=now_ms, decided_ms=decided_ms)]
        if saved is not None:
            return [self.builder.restored(each, now_ms=now_ms) for each in saved.restored()]
        fixtures = self.calendar.opening() if self.calendar else []
        return [self.builder.generated(fixture, now_ms=now_ms) for fixture in fixtures]

    def _more(self, now_ms: int) -> list[Contest]:
        if self.calendar is None:
            return []
        unfinished = [contest.game.fixture for contest in self.world.contests if not contest.game.is_final]
        return [self.builder.generated(fixture, now_ms=now_ms) for fixture in self.calendar.more(now_ms, unfinished)]

    def _do_chores(self, now_ms: int) -> None:
        """What Polymarket does by itself, at fixed virtual times so that a replay repeats exactly."""
        self.polymarket_face.advance(now_ms)
        self.world.at(now_ms + CHORE_MS, self._do_chores)

    def _bring_clients_back(self) -> None:
        keys = KeyRing()
        if self.store is not None:
            for venue, exchange in self.builder.exchanges.items():
                kept = self.store.saved(venue)
                exchange.restore(kept.ledgers, kept.groups, self.now_ms())
            for _, _, body in self.store.keys(Venue.KALSHI):
                keys.add(msgspec.json.decode(body, type=KeyRecord))
            for _, _, body in self.store.keys(Venue.POLYMARKET):
                self.polymarket_face.register_wallet(msgspec.json.decode(body, type=Wallet))
            for venue, exchange in self.builder.exchanges.items():
                self.store.attach(venue, exchange)
        self.polymarket_face.reload()
        self.kalshi_face = KalshiFace(self.kalshi, self.catalog, clock_ms=self.now_ms, keys=keys, faults=self._faults)

    def _make_faces(self) -> None:
        self.sports = SportsChannel()
        self.feed = PublicFeed(
            self.world,
            event_of=self.builder.events.__getitem__,
            polymarket=self.polymarket_face,
            catalog=self.catalog,
            sports=self.sports,
            lag_ms=0 if self.tape else self.config.feed_lag_ms,
        )
        self.espn_face = EspnFace(games=self.feed.shown, now_ms=self.now_ms, sports=self.sports)
        self.saver = Saver(self.world, self.builder, self.calendar, seed=self.config.seed, source=self._source())
        if self.store is not None:
            self.store.follow_world(self.saver.blob)
            self.save()
