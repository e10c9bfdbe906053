"""What a simulator is started with, and where it then listens."""

from __future__ import annotations

from pathlib import Path

import msgspec

from venues.simulator.asgi_server import HOST

DEFAULT_PORT = 8900
_OFFSETS = {"kalshi": 0, "clob": 1, "gamma": 2, "data": 3, "espn": 4, "control": 9}


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`port` is the first of ten (0: a free run of ports); `speed` virtual seconds per real one.

    `tape` replays a recorded game instead of generating; `state_path` makes accounts and world durable. `flow_rate`
    scales how often makers and takers act in virtual time, `feed_lag_ms` how late the game feed is (recorded plays
    carry their own lag), `polymarket_settle_ms` is from a game's end to Polymarket's payment: two hours by default.
    """

    port: int = DEFAULT_PORT
    seed: int = 7
    speed: float = 10.0
    tape: Path | None = None
    state_path: Path | None = None
    games: int = 10
    scenario: str = "demo"
    flow_rate: float = 0.6
    feed_lag_ms: int = 8_000
    polymarket_settle_ms: int = 7_200_000
    is_paused: bool = False


class Ports(msgspec.Struct, frozen=True):
    kalshi: int
    clob: int
    gamma: int
    data: int
    espn: int
    control: int

    @classmethod
    def from_base(cls, base: int) -> Ports:
        return cls(**{name: base + offset for name, offset in _OFFSETS.items()})


class Endpoints(msgspec.Struct, frozen=True):
    """Roots of the faces, each with the paths of production below it."""

    kalshi_rest: str
    kalshi_ws: str
    clob: str
    clob_ws: str
    gamma: str
    data: str
    espn: str
    sports_ws: str
    control: str

    @classmethod
    def of(cls, ports: Ports) -> Endpoints:
        def http(port: int) -> str:
            return f"http://{HOST}:{port}"

        def ws(port: int) -> str:
            return f"ws://{HOST}:{port}"

        return cls(
            kalshi_rest=f"{http(ports.kalshi)}/trade-api/v2",
            kalshi_ws=f"{ws(ports.kalshi)}/trade-api/ws/v2",
            clob=http(ports.clob),
            clob_ws=ws(ports.clob),
            gamma=http(ports.gamma),
            data=http(ports.data),
            espn=http(ports.espn),
            sports_ws=f"{ws(ports.espn)}/ws",
            control=http(ports.control),
        )
