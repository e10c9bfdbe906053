"""The simulator as servers: six loopback ports, one world, embeddable in any running event loop.

simulator = Simulator(SimulatorConfig(port=0))
await simulator.start()          # raises PortInUse, ReplayError, StoreError: one sentence each
simulator.endpoints.kalshi_rest
await simulator.stop()
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import structlog

from venues.simulator.asgi import Router
from venues.simulator.asgi_server import AppServer, PortInUse
from venues.simulator.clock import VirtualClock
from venues.simulator.config import Endpoints, Ports, SimulatorConfig
from venues.simulator.control import ControlFace
from venues.simulator.driver import Driver
from venues.simulator.fault_plan import ScheduledFaults
from venues.simulator.faults import FaultPlan
from venues.simulator.world_assembly import Assembly
from venues.types import Venue

log = structlog.get_logger(__name__)

_FREE_PORTS = range(20_000, 60_000, 10)
_TRIES = 40


class Simulator:
    """`ports` and `endpoints` are known once it has started."""

    def __init__(self, config: SimulatorConfig, *, faults: FaultPlan | None = None) -> None:
        self.config = config
        self._faults: FaultPlan = faults or ScheduledFaults()
        self.ports = Ports.from_base(config.port)
        self._servers: list[AppServer] = []
        self._task: asyncio.Task[None] | None = None
        self._assembly: Assembly | None = None

    @property
    def assembly(self) -> Assembly:
        """The parts behind the servers. Raises RuntimeError before the start."""
        if self._assembly is None:
            raise RuntimeError("the simulator has not been started")
        return self._assembly

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints.of(self.ports)

    async def start(self) -> None:
        """Build the world, listen on all ports, let time go on."""
        parts = self._assembly = Assembly(self.config, faults=self._faults)
        clock = VirtualClock(now_ms=parts.now_ms(), speed=self.config.speed, is_paused=self.config.is_paused)
        driver = Driver(parts.world, clock, save=parts.save)
        try:
            await self._listen(_apps(parts, driver, self._faults))
        except BaseException:
            parts.close()
            raise
        self._task = asyncio.create_task(driver.run(), name="simulator")
        self._task.add_done_callback(_report_failure)
        log.info("simulator_started", port=self.ports.kalshi, mode=parts.mode, speed=self.config.speed)

    async def stop(self) -> None:
        """Stop time, write the state, close every connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._close_servers()
        if self._assembly is not None:
            self._assembly.save()
            self._assembly.close()
            self._assembly = None

    @property
    def is_running(self) -> bool:
        """Time goes on (or stands paused); False before the start, after the stop and when the world has failed."""
        return self._task is not None and not self._task.done()

    async def run(self) -> None:
        """Wait until the world's task ends, which it only does by an error."""
        if self._task is not None:
            await self._task

    async def _listen(self, apps: list[Router]) -> None:
        for base in self._bases():
            self.ports = Ports.from_base(base)
            try:
                for app, port in zip(apps, _numbers(self.ports), strict=True):
                    server = AppServer(app, port)
                    await server.start()
                    self._servers.append(server)
            except PortInUse:
                await self._close_servers()
                if self.config.port:
                    raise
            else:
                return
        raise PortInUse(f"no run of ten free ports was found in {_TRIES} tries: choose one with --port")

    def _bases(self) -> list[int]:
        return [self.config.port] if self.config.port else random.sample(_FREE_PORTS, _TRIES)

    async def _close_servers(self) -> None:
        servers, self._servers = self._servers, []
        await asyncio.gather(*(server.stop() for server in servers))


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("simulator_failed", exc_info=error)


def _apps(parts: Assembly, driver: Driver, faults: FaultPlan) -> list[Router]:
    """The application of every port, in the order of the ports."""
    face, espn = parts.polymarket_face, parts.espn_face.router()
    channels = {Venue.KALSHI: [parts.kalshi_face.app], Venue.POLYMARKET: [face.clob_app, espn]}
    control = ControlFace(parts, driver, channels=channels, faults=faults).router()
    return [parts.kalshi_face.app, face.clob_app, face.gamma_app, face.data_app, espn, control]


def _numbers(ports: Ports) -> list[int]:
    return [ports.kalshi, ports.clob, ports.gamma, ports.data, ports.espn, ports.control]
