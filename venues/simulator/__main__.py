"""`python -m venues.simulator`: both venues and the game feed on loopback until it is told to stop.

Bad input is one sentence on standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

import structlog

from venues.simulator.asgi_server import PortInUse
from venues.simulator.config import DEFAULT_PORT, SimulatorConfig
from venues.simulator.replay.tape import ReplayError
from venues.simulator.simulator import Simulator
from venues.simulator.store import StoreError

_HOUR_MS = 3_600_000


def parse(arguments: list[str]) -> SimulatorConfig:
    """The configuration of a command line. Exits with 2 and a sentence for a bad one."""
    parser = argparse.ArgumentParser(prog="python -m venues.simulator", description=__doc__)
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="first of ten ports (default %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same world (default %(default)s)")
    parser.add_argument("--tape", type=Path, help="a recorded game to replay instead of generated ones")
    parser.add_argument("--speed", type=_speed, default=10.0, help="virtual seconds a real one (default %(default)s)")
    parser.add_argument("--state", type=Path, help="file that keeps accounts and world over a restart")
    parser.add_argument("--games", type=_games, default=10, help="games to begin with (default %(default)s)")
    parser.add_argument("--paused", action="store_true", help="begin with the clock standing still")
    parser.add_argument(
        "--polymarket-settle-hours", type=float, default=2.0, help="from a game's end to payment (default %(default)s)"
    )
    given = parser.parse_args(arguments)
    return SimulatorConfig(
        port=given.port,
        seed=given.seed,
        speed=given.speed,
        tape=given.tape,
        state_path=given.state,
        games=given.games,
        is_paused=given.paused,
        polymarket_settle_ms=max(0, round(given.polymarket_settle_hours * _HOUR_MS)),
    )


async def serve(config: SimulatorConfig) -> None:
    """Run until SIGINT or SIGTERM."""
    simulator = Simulator(config)
    await simulator.start()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(f"Simulator: control at {simulator.endpoints.control}", flush=True)
    failed = asyncio.create_task(simulator.run())
    waiting = asyncio.create_task(stopped.wait())
    try:
        done, _ = await asyncio.wait({failed, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if failed in done:
            failed.result()
    finally:
        waiting.cancel()
        await simulator.stop()


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    config = parse(sys.argv[1:])
    try:
        asyncio.run(serve(config))
    except (PortInUse, ReplayError, StoreError) as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def _port(text: str) -> int:
    return _within(int(text), 0, 65_526, "a port")


def _games(text: str) -> int:
    return _within(int(text), 1, 60, "a number of games")


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 10_000:
        raise argparse.ArgumentTypeError("speed must be above 0 and at most 10000")
    return speed


def _within(value: int, low: int, high: int, what: str) -> int:
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{what} must be between {low} and {high}")
    return value


if __name__ == "__main__":
    sys.exit(main())
