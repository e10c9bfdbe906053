"""Puts an engine together for one user: clock, databases, accounts, session, feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from accounts.models import Mode, User
from accounts.selectors import accounts_of
from trading.domain.session import Session
from trading.engine.clock import Clock, SimulatedClock
from trading.engine.database import DatabaseThread
from trading.engine.desk import open_desk
from trading.engine.engine import Engine
from trading.engine.paper import PaperDoors, ensure_paper_accounts
from trading.engine.permit import Permit
from trading.engine.simulated import ensure_simulated_accounts
from trading.models import SportConfig
from trading.selectors.configs import session_config
from trading.selectors.session import session_opening
from venues.ports import FrameTap
from venues.registry import VenueEndpoints, open_game_feed, simulated_endpoints
from venues.simulator.remote import SimulatorControl
from venues.tape import TapeRecorder
from venues.types import VenueMarket

TAPES_KEPT = 8
LOCKSTEP_PACE = 1_000.0  # the venues' clock stands still between steps: the game feed may be asked at once
TAPE_BYTES = 64 * 1024 * 1024


class Listings:
    """What the readers ask about a market before the engine that knows it exists."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def market_of(self, market_id: str) -> VenueMarket | None:
        return self.engine.discovery.market_of(market_id) if self.engine is not None else None


async def build_simulated(
    *,
    user: User,
    holder: str,
    control: SimulatorControl,
    host: str,
    port: int,
    clock: SimulatedClock,
    recorder: TapeRecorder | None,
    permit: Permit,
    paper: PaperDoors | None = None,
) -> Engine:
    """An engine on the simulated venues, with accounts opened there if need be. `paper`: paper accounts instead, to
    which the simulated venues are the live data."""
    database = DatabaseThread("ledger")
    try:
        if paper is None:
            await ensure_simulated_accounts(user=user, control=control, database=database)
        else:
            await ensure_paper_accounts(user=user, database=database, control=control)
        return await build(
            user=user,
            mode=Mode.SIMULATED if paper is None else Mode.PAPER,
            holder=holder,
            endpoints=simulated_endpoints(port, host=host),
            clock=clock,
            database=database,
            tap=recorder.record if recorder is not None else None,
            permit=permit,
            paper=paper,
        )
    except BaseException:
        await database.close()
        raise


async def build_paper(
    *,
    user: User,
    holder: str,
    endpoints: VenueEndpoints,
    clock: Clock,
    tap: FrameTap | None,
    permit: Permit,
    paper: PaperDoors,
) -> Engine:
    """An engine with paper accounts on the live data of the venues at `endpoints`."""
    database = DatabaseThread("ledger")
    try:
        await ensure_paper_accounts(user=user, database=database)
        return await build(
            user=user,
            mode=Mode.PAPER,
            holder=holder,
            endpoints=endpoints,
            clock=clock,
            database=database,
            tap=tap,
            permit=permit,
            paper=paper,
        )
    except BaseException:
        await database.close()
        raise


async def build(
    *,
    user: User,
    mode: Mode,
    holder: str,
    endpoints: VenueEndpoints,
    clock: Clock,
    database: DatabaseThread,
    tap: FrameTap | None,
    permit: Permit,
    paper: PaperDoors | None = None,
) -> Engine:
    """Raises Conflict `lease_held` while another trader holds one of the accounts."""
    listings = Listings()
    desk = await open_desk(
        user=user,
        mode=mode,
        holder=holder,
        endpoints=endpoints,
        database=database,
        market_of=listings.market_of,
        clock_ms=clock.now_ms,
        tap=tap,
        paper=paper,
    )
    rows = await database.call(accounts_of, user, mode=mode)
    now = datetime.fromtimestamp(clock.now_ms() / 1_000, UTC)
    config = await database.call(session_config, user, rows)
    opening = await database.call(session_opening, rows, now=now)
    leagues = await database.call(_leagues, user)
    session = Session(config, opening)
    session.desk.down_feeds.update(account.stream for account in desk.accounts.values())  # blind until each was heard
    engine = Engine(
        desk=desk,
        session=session,
        clock=clock,
        espn=open_game_feed(
            endpoints=endpoints,
            leagues=leagues,
            clock_ms=clock.now_ms,
            tap=tap,
            pace=lambda: clock.pace or LOCKSTEP_PACE,
        ),
        leagues=leagues,
        ledger_database=database,
        journal_database=DatabaseThread("journal"),
        permit=permit,
    )
    listings.engine = engine
    engine.watch.vitals.recall_fills(opening)
    return engine


def tape_recorder(data_dir: Path, *, created_ms: int) -> TapeRecorder:
    """Raw frames of this run, beside its database; the oldest tapes make room."""
    folder = data_dir / "tapes"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.iterdir())[:-TAPES_KEPT]:
        old.unlink()
    return TapeRecorder(folder / f"{created_ms}.jsonl.gz", created_ms=created_ms, rotate_bytes=TAPE_BYTES)


def _leagues(user: User) -> tuple[str, ...]:
    """The leagues this user has settings for, enabled or only watched."""
    return tuple(SportConfig.objects.filter(user=user).order_by("league").values_list("league", flat=True))
