"""The permit: whoever does not renew it stops trading, whatever the reason; and no order leaves without it."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from risk.models import HaltScope, HaltState
from risk.selectors import StoppedScope
from risk.services import halt_resume, halt_set
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import Trouble
from trading.engine import permit as files
from trading.engine.announcing import announce_halt, publish, stop_everything, tell_guard
from trading.engine.guard_ears import listen_on_socket
from trading.engine.guard_permit import PermitAgent
from trading.engine.guarding import Guard
from trading.engine.permit import KILL_FILE, FilePermit, PermitAsk, PermitWriter, permit_revoke
from trading.models import OrderStatus
from trading.services.guard import guard_look
from venues.errors import NotSent
from venues.registry import simulated_endpoints
from venues.types import Venue

GLOBAL, KALSHI, GAME = (HaltScope.GLOBAL, ""), (HaltScope.VENUE, "kalshi"), (HaltScope.GAME, "espn:1")
ASK = PermitAsk((GLOBAL, KALSHI, GAME), reduces=False)
REDUCE = ASK._replace(reduces=True)


def later_ns() -> int:
    """A reading that began after the writer revoked what was there before it; valid for a while on any machine."""
    return time.monotonic_ns()


def code(permit: FilePermit, ask: PermitAsk = ASK) -> str:
    refusal = permit.refusal(ask)
    return refusal.code if refusal is not None else ""


def granted(permit: FilePermit, writer: PermitWriter, *stopped: StoppedScope, ask: PermitAsk = ASK) -> str:
    """The answer to a permit that was written just now; a machine that slept in between tries again."""
    for _ in range(100):
        writer.renew(read_ns=later_ns(), stopped=stopped)
        if (answer := code(permit, ask)) != "no_permit":
            return answer
    return "no_permit"


def test_without_a_guard_there_is_no_permit(tmp_path: Path):
    permit = FilePermit(tmp_path)
    assert code(permit) == "no_permit"
    writer = PermitWriter(tmp_path)
    assert code(permit) == "no_permit"
    assert granted(permit, writer) == ""


def test_a_permit_ends_by_itself_by_revocation_and_with_its_guard(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    old_ns = later_ns()
    assert granted(permit, writer) == ""
    permit_revoke(tmp_path)
    assert code(permit) == "no_permit"
    writer.renew(read_ns=old_ns, stopped=[])
    assert code(permit) == "no_permit", "a reading from before the revocation grants nothing"
    writer.renew(read_ns=later_ns() - files.VALID_NS, stopped=[])
    assert code(permit) == "no_permit", "80 ms are over"
    assert granted(permit, writer) == ""
    writer.close()
    assert code(permit) == "no_permit"


@pytest.mark.parametrize("at", [files.BODY_AT, files.BODY_AT + 40, files.FILE_BYTES - 1])
def test_a_torn_or_damaged_permit_is_none(tmp_path: Path, at: int):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    assert granted(permit, writer) == ""
    with (tmp_path / files.FILE_NAME).open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    assert code(permit) == "no_permit"


def test_a_permit_of_another_version_is_none(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    permit._own = (permit._own[0], bytes(16))
    assert granted(permit, writer) == "no_permit"


def test_a_file_made_anew_is_found_and_a_short_one_is_none(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    assert granted(permit, writer) == ""
    (tmp_path / files.FILE_NAME).unlink()
    assert code(permit) == "no_permit"
    assert granted(permit, PermitWriter(tmp_path)) == ""
    (tmp_path / files.FILE_NAME).unlink()
    (tmp_path / files.FILE_NAME).write_bytes(b"short")
    assert code(permit) == "no_permit"


def test_a_stopped_scope_stops_its_orders_and_no_others(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    other = PermitAsk((GLOBAL, (HaltScope.VENUE, "polymarket")), reduces=False)
    for state, entry, exit_ in (
        (HaltState.REDUCING, "permit_halted", ""),
        (HaltState.PAUSED, "permit_halted", "permit_halted"),
        (HaltState.HALTED, "permit_halted", "permit_halted"),
    ):
        halt = StoppedScope(KALSHI, state, flatten=False)
        assert granted(permit, writer, halt) == entry
        assert granted(permit, writer, halt, ask=REDUCE) == exit_
        assert granted(permit, writer, halt, ask=other) == ""
    flatten = StoppedScope(KALSHI, HaltState.HALTED, flatten=True)
    assert granted(permit, writer, flatten) == "permit_halted"
    assert granted(permit, writer, flatten, StoppedScope(GAME, HaltState.HALTED, flatten=False), ask=REDUCE) == ""


def test_more_halts_than_the_file_holds_stop_everything(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    markets = [StoppedScope((HaltScope.MARKET, f"kalshi:{n}"), HaltState.HALTED, flatten=False) for n in range(513)]
    assert granted(permit, writer, *markets[:512]) == ""
    assert granted(permit, writer, *markets) == "no_permit"


def test_a_reader_never_sees_half_a_permit(tmp_path: Path):
    """One thread writes "all" and "none" in turns; what is read is always one of the two, never a mixture."""
    permit, writer, done = FilePermit(tmp_path), PermitWriter(tmp_path), threading.Event()
    every = [StoppedScope((HaltScope.MARKET, f"kalshi:{n}"), HaltState.HALTED, flatten=False) for n in range(400)]

    def write() -> None:
        while not done.is_set():
            writer.renew(read_ns=later_ns(), stopped=every)
            writer.renew(read_ns=later_ns(), stopped=[])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        readings = [permit._read() for _ in range(2_000)]
    finally:
        done.set()
        thread.join()
    assert {len(reading.stopped) for reading in readings if isinstance(reading, files.Reading)} <= {0, 400}
    assert any(isinstance(reading, files.Reading) for reading in readings)


@pytest.mark.django_db
def test_the_agent_permits_what_no_halt_stops_and_nothing_beside_a_kill_file(tmp_path: Path):
    agent, permit = PermitAgent(tmp_path), FilePermit(tmp_path)
    halt = halt_set(
        scope=HaltScope.VENUE, scope_key="kalshi", state=HaltState.HALTED, code="manual", reason="drill", actor="op"
    )
    assert seen(agent, permit) == "permit_halted"
    halt_resume(halt=halt, reason="over", actor="ann")
    assert seen(agent, permit) == ""
    assert "KILL file" in stop_everything(reason="drill", data_dir=tmp_path)
    assert not agent.look()
    assert code(permit) == "no_permit"


@pytest.mark.django_db
def test_a_kill_that_the_disk_does_not_take_holds_all_the_same_and_is_written_later(tmp_path: Path):
    guard, permit = Guard(tmp_path, endpoints=simulated_endpoints(1)), FilePermit(tmp_path)
    assert seen(guard.permit, permit) == ""
    (tmp_path / KILL_FILE).symlink_to(tmp_path / "gone" / KILL_FILE)
    guard.hear("kill drill")
    assert code(permit) == "no_permit"
    assert not guard.permit.look()
    assert "KILL" in guard_look(data_dir=tmp_path, is_killed=guard.kill_file.is_there)[0]
    (tmp_path / "gone").mkdir()
    guard.kill_file.try_again()
    assert not PermitAgent(tmp_path).look(), "the next guard finds it"
    (tmp_path / "gone" / KILL_FILE).unlink()
    assert not guard.kill_file.is_there, "a person took it away"


@pytest.mark.django_db
def test_a_database_that_is_away_ends_the_permit(tmp_path: Path):
    agent, permit = PermitAgent(tmp_path), FilePermit(tmp_path)
    assert seen(agent, permit) == ""
    looks: list[bool] = []
    thread = threading.Thread(target=lambda: (unplug(), looks.append(agent.look())))
    thread.start()
    thread.join()
    deadline = time.monotonic() + 30.0
    while code(permit) == "":
        assert time.monotonic() < deadline, "nobody renewed it, and still it is valid"
    assert (looks, code(permit)) == ([False], "no_permit")


def unplug() -> None:
    """From now on this thread finds no database."""
    connection = connections["default"]
    connection.settings_dict = {**connection.settings_dict, "NAME": "/nowhere/none", "HOST": "127.0.0.1", "PORT": "1"}


def test_with_redis_away_a_halt_voids_the_permits_of_its_host_all_the_same(tmp_path: Path):
    permit, writer = FilePermit(tmp_path), PermitWriter(tmp_path)
    assert granted(permit, writer) == ""
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0", DATA_DIR=tmp_path):
        announce_halt()
        assert not publish("halted")
    assert code(permit) == "no_permit"


def test_the_guards_socket_stops_everything_and_its_other_words_only_revoke(tmp_path: Path):
    guard, permit = Guard(tmp_path, endpoints=simulated_endpoints(1)), FilePermit(tmp_path)
    asked_to_stop = threading.Event()
    ear = threading.Thread(target=listen_on_socket, args=(tmp_path, guard.hear, asked_to_stop))
    ear.start()
    try:
        heard(lambda: tell_guard("halted", data_dir=tmp_path))
        assert not (tmp_path / files.KILL_FILE).exists()
        heard(lambda: tell_guard("kill drill", data_dir=tmp_path) and (tmp_path / files.KILL_FILE).exists())
    finally:
        asked_to_stop.set()
        ear.join()
    assert (tmp_path / files.KILL_FILE).read_text() == "drill\n"
    assert code(permit) == "no_permit"


def heard(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30.0
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seen(agent: PermitAgent, permit: FilePermit) -> str:
    """What the gate says right after a look; a machine that slept for 80 ms in between looks again."""
    for _ in range(100):
        assert agent.look()
        if (answer := code(permit)) != "no_permit":
            return answer
    return "no_permit"


# --- in the engine ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path, trouble: Trouble) -> AsyncIterator[Stand]:
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        yield stand


async def test_an_order_without_a_permit_never_leaves_and_one_with_it_does(
    stand: Stand, trouble: Trouble, tmp_path: Path
):
    await stand.start_engine(permit=FilePermit(tmp_path))
    market = await stand.market(Venue.KALSHI)
    denied = await stand.submit(market)
    row = await stand.row(denied)
    assert (row.status, row.reason_code, row.reserved_u) == (OrderStatus.DENIED, "no_permit", 0)
    assert trouble.creates(Venue.KALSHI) == 0
    asked_to_stop = threading.Event()
    guard = threading.Thread(target=PermitAgent(tmp_path).run, args=(asked_to_stop,))
    guard.start()
    try:
        row = await filled_with_patience(stand)
    finally:
        asked_to_stop.set()
        guard.join()
    assert (row.status, trouble.creates(Venue.KALSHI)) == (OrderStatus.FILLED, 1)
    await stand.books_equal()


async def filled_with_patience(stand: Stand):
    """A machine too busy to renew a permit within a quarter of a second denies an order; the next one may pass."""
    for _ in range(20):
        command = await stand.submit(await stand.market(Venue.KALSHI))
        if (await stand.row(command)).reason_code != "no_permit":
            return await stand.until_over(command)
    raise AssertionError("no order was ever permitted")


class PermitThatEnds:
    """Says yes when the order is about to be handed over, and no when a connection is there to write on."""

    def __init__(self) -> None:
        self.asked = 0

    def refusal(self, ask: PermitAsk) -> NotSent | None:
        self.asked += 1
        return NotSent("Not sent: the permit has just expired.", code="no_permit") if self.asked > 1 else None

    async def awaited(self, ask: PermitAsk) -> None:
        return None

    def generation(self) -> int:
        return 0


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_permit_that_ends_while_the_order_waits_for_the_wire_keeps_it_here(
    stand: Stand, trouble: Trouble, venue: Venue
):
    permit = PermitThatEnds()
    await stand.start_engine(permit=permit)
    command = await stand.submit(await stand.market(venue))
    row = await stand.row(command)
    assert (row.status, row.reason_code, permit.asked) == (OrderStatus.DENIED, "no_permit", 2)
    assert trouble.creates(venue) == 0


def test_every_trader_that_runs_on_the_clock_asks_the_file():
    """The port's other side, which asks nothing, is for replays and tests."""
    for path in ("trading/engine/embedded.py", "trading/management/commands/trade.py"):
        assert "FilePermit(" in (Path(settings.BASE_DIR) / path).read_text()
