"""The control port: accounts, the exact ledger, the state of the world, its clock, faults, modes and events.

Nothing here exists at a real venue; no trader trades through it. Lock-step: pause, then `POST /clock {"step_ms": n}`
lives through every event of the next n virtual milliseconds in order, and answers when all frames of it are written,
with the number of frames every connection has been sent so far. With `slice_ms` the step ends early, after the first
slice of it in which a frame was written: a silent stretch is one step, and nothing waits longer than a slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from venues.simulator import control_views
from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.control_accounts import AccountDesk, AccountWish, BadWish
from venues.simulator.control_events import EventDesk
from venues.simulator.control_faults import FaultDesk
from venues.simulator.control_modes import ModeDesk
from venues.simulator.driver import Driver
from venues.simulator.faults import FaultPlan
from venues.simulator.world_assembly import Assembly
from venues.types import Venue

_LONGEST_STEP_MS = 24 * 3_600_000


class ClockWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /clock`: any of these; `slice_ms` goes with `step_ms`."""

    speed: float | None = None
    paused: bool | None = None
    step_ms: int | None = None
    slice_ms: int | None = None


class ControlFace:
    """`channels` are the routers whose sockets clients listen on."""

    def __init__(
        self, assembly: Assembly, driver: Driver, *, channels: dict[Venue, list[Router]], faults: FaultPlan
    ) -> None:
        self._assembly = assembly
        self._driver = driver
        self._channels = channels
        faces = {"kalshi": assembly.kalshi_face.app, "polymarket": assembly.polymarket_face.clob_app}
        self._faults = FaultDesk(faults, faces)
        self._modes = ModeDesk(assembly)
        self._events = EventDesk(assembly)
        self._accounts = AccountDesk(
            kalshi=assembly.kalshi_face,
            polymarket=assembly.polymarket_face,
            polymarket_exchange=assembly.polymarket,
            store=assembly.store,
            seed=assembly.config.seed,
        )

    def router(self) -> Router:
        router = Router(not_found=_refused(404, "there is nothing at this path of the control port"))
        router.route("POST", "/accounts", self.open_account)
        router.get("/ledger", self.ledger)
        router.get("/state", self.state)
        router.get("/health", lambda _: json_reply({"status": "ok", "mode": self._assembly.mode}))
        router.get("/clock", lambda _: json_reply(self._reading()))
        router.route("POST", "/clock", self.set_clock)
        self._faults.add_routes(router)
        self._modes.add_routes(router)
        self._events.add_routes(router)
        return router

    def open_account(self, request: Request) -> Reply:
        try:
            wish = msgspec.json.decode(request.body, type=AccountWish)
            return json_reply(self._accounts.open(wish, self._assembly.now_ms()), 201)
        except (msgspec.MsgspecError, BadWish) as problem:
            return _refused(400, str(problem))

    def ledger(self, request: Request) -> Reply:
        """All client accounts, or one."""
        wanted = request.one("account_id")
        accounts = [
            control_views.account_view(venue, account_id, exchange.ledger(account_id))
            for venue, exchange in self._assembly.builder.exchanges.items()
            for account_id in exchange.account_ids()
            if wanted in ("", account_id)
        ]
        if wanted and not accounts:
            return _refused(404, f"there is no account {wanted}")
        return json_reply({"accounts": accounts, "imbalance_u": self._imbalance_u()})

    def state(self, request: Request) -> Reply:
        world, assembly = self._assembly.world, self._assembly
        body = {
            "seed": assembly.config.seed,
            **self._reading(),
            "mode": assembly.mode,
            "games": [control_views.game_view(contest) for contest in world.contests],
            "markets": control_views.markets_view(world.contests, assembly.builder.exchanges),
            "digest": world.digest,
            "events": world.events,
        }
        return json_reply(body)

    async def set_clock(self, request: Request) -> Reply:
        try:
            wish = msgspec.json.decode(request.body, type=ClockWish)
            if wish.speed is not None:
                self._driver.clock.set_speed(wish.speed)
        except (msgspec.MsgspecError, ValueError) as problem:
            return _refused(400, str(problem))
        if wish.paused is not None:
            await self._driver.pause(wish.paused)
        if wish.step_ms is not None:
            if not self._driver.clock.is_paused:
                return _refused(409, "only a paused clock can be stepped: send paused true first")
            slice_ms = wish.slice_ms if wish.slice_ms is not None else wish.step_ms
            if not 0 < slice_ms <= wish.step_ms <= _LONGEST_STEP_MS:
                return _refused(400, f"step_ms must be between 1 and {_LONGEST_STEP_MS}, slice_ms no longer than it")
            await self._step(wish.step_ms, slice_ms)
        await self._flush()
        return json_reply(self._reading())

    async def _step(self, step_ms: int, slice_ms: int) -> None:
        await self._flush()
        written = self._written()
        while step_ms > 0 and self._written() == written:
            await self._driver.step(min(slice_ms, step_ms))
            await self._flush()
            step_ms -= slice_ms

    async def _flush(self) -> None:
        for router in self._routers():
            await router.flush()

    def _written(self) -> int:
        return sum(sent for router in self._routers() for _, _, sent in router.sent_counts())

    def _reading(self) -> dict[str, Any]:
        clock = self._driver.clock
        return {
            "now_ms": self._assembly.now_ms(),
            "speed": 0.0 if clock.is_paused else clock.speed,
            "paused": clock.is_paused,
            "finished": self._assembly.world.is_finished,
            "streams": self._streams(),
        }

    def _streams(self) -> list[dict[str, Any]]:
        """Every open connection by the client's port, with the frames written to it."""
        return [
            {"peer": peer, "venue": venue.value, "channel": path.rpartition("/")[2], "sent": sent}
            for venue, routers in self._channels.items()
            for router in routers
            for peer, path, sent in router.sent_counts()
        ]

    def _routers(self) -> Iterator[Router]:
        for routers in self._channels.values():
            yield from routers

    def _imbalance_u(self) -> dict[str, int]:
        return {venue.value: each.imbalance_u() for venue, each in self._assembly.builder.exchanges.items()}


def _refused(status: int, sentence: str) -> Reply:
    return Reply(status=status, body=msgspec.json.encode({"error": sentence}))
