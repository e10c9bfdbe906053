"""The simulated venues as a part of the one-process run, and the look at a tape before anything starts."""

from __future__ import annotations

from pathlib import Path

import msgspec
from django.conf import settings

from core.embedded.parts import RunContext, RunOptions, RunRefused
from core.simulated import note_port
from venues.simulator.asgi_server import PortInUse
from venues.simulator.config import SimulatorConfig
from venues.simulator.replay.load import load
from venues.simulator.replay.tape import ReplayError
from venues.simulator.simulator import Simulator
from venues.simulator.store import StoreError, peek_world
from venues.simulator.world_saved import read_saved

STATE_NAME = "simulator.sqlite3"
REPLAY_SETTLE_MS = 600_000
"""How long after the end of a recorded game the simulated Polymarket pays: ten minutes instead of its two hours."""


def require_playable_tape(path: Path) -> None:
    """Raises RunRefused with the importer's sentence where the tape cannot be played."""
    try:
        load(path)
    except ReplayError as error:
        raise RunRefused(str(error)) from error


def require_usable_state(options: RunOptions) -> None:
    """Raises RunRefused where the venues' state of an earlier run cannot go on with this one. Changes nothing."""
    path = options.data_dir / STATE_NAME
    if not path.exists():
        return
    try:
        blob = peek_world(path)
        seed = read_saved(blob).seed if blob is not None else options.seed
    except (StoreError, msgspec.MsgspecError) as error:
        raise RunRefused(
            f"The state of the simulated venues in {STATE_NAME} cannot be read. Start over with: make run ARGS=--reset "
            "(this removes the run's data)."
        ) from error
    if seed != options.seed:
        raise RunRefused(
            f"The simulated venues in {STATE_NAME} have seed {seed}, not {options.seed}. Go on with: make run "
            f"SEED={seed}, or start over with: make run SEED={options.seed} ARGS=--reset (this removes the run's data)."
        )


class SimulatorPart:
    """Listens on loopback at SIMULATOR_PORT and the nine ports after it, or at free ones when those are taken."""

    name = "simulators"

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._simulator: Simulator | None = None

    async def start(self) -> None:
        self._simulator = await self._started(settings.SIMULATOR_PORT)
        self._context.simulator_port = self._simulator.ports.kalshi
        note_port(self._context.options.data_dir, self._context.simulator_port)

    async def stop(self) -> None:
        if self._simulator is not None:
            await self._simulator.stop()
            self._simulator = None

    def is_alive(self) -> bool:
        return self._simulator is not None and self._simulator.is_running

    async def _started(self, port: int) -> Simulator:
        """A restart of the part keeps the ports that the trader knows."""
        simulator = Simulator(self._config(self._context.simulator_port or port))
        try:
            await simulator.start()
        except PortInUse:
            if self._context.simulator_port is not None:
                raise
            simulator = Simulator(self._config(0))
            await simulator.start()
        return simulator

    def _config(self, port: int) -> SimulatorConfig:
        options = self._context.options
        if options.is_replay:
            return SimulatorConfig(
                port=port,
                seed=options.seed,
                speed=options.speed,
                tape=options.tape,
                is_paused=True,
                polymarket_settle_ms=REPLAY_SETTLE_MS,
            )
        return SimulatorConfig(
            port=port,
            seed=options.seed,
            speed=options.speed,
            state_path=options.data_dir / STATE_NAME,
        )
