"""What cannot start says why in one sentence, ends with code 2, and leaves what it found as it was."""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.whole.program import Program, free_ports, until
from venues.simulator.config import SimulatorConfig
from venues.simulator.world_assembly import Assembly

pytestmark = pytest.mark.whole

GAME = "stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz"
FIRST_WRITES = {"secret.key", "run.lock", "run.log"}
"""What a run may leave behind that did not start: each of them whole."""

Prepared = tuple[list[str], str] | tuple[list[str], str, dict[str, str]]
"""Arguments of the run, words of the sentence that answers them, and what is set in its environment."""


def port_in_use(program: Program, stack: ExitStack) -> Prepared:
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", program.port))
    taken.listen()
    return [], f"Port {program.port} on 127.0.0.1 is in use"


def port_that_is_none(program: Program, stack: ExitStack) -> Prepared:
    return ["--port", "99999"], "99999"


def folder_in_use(program: Program, stack: ExitStack) -> Prepared:
    handle = stack.enter_context((program.folder / "run.lock").open("a+"))
    fcntl.flock(handle, fcntl.LOCK_EX)
    return [], "Another run already uses"


def folder_that_is_a_file(program: Program, stack: ExitStack) -> Prepared:
    program.folder.rmdir()
    program.folder.write_text("not a folder")
    return [], str(program.folder.name)


def tape_that_is_missing(program: Program, stack: ExitStack) -> Prepared:
    return ["--tape", str(program.folder / "no-such-tape.jsonl.gz")], "There is no tape at"


def tape_of_another_format(program: Program, stack: ExitStack) -> Prepared:
    return ["--tape", _file(program, "notes.jsonl.gz", gzip.compress(b'{"hello": "world"}\n'))], "notes.jsonl.gz"


def tape_that_is_no_gzip(program: Program, stack: ExitStack) -> Prepared:
    return ["--tape", _file(program, "picture.jsonl.gz", b"\x89PNG not a tape")], "picture.jsonl.gz"


def garbage_for_a_database(program: Program, stack: ExitStack) -> Prepared:
    _file(program, "courtside.sqlite3", b"this is no database" * 100)
    return [], "The database cannot be read"


def database_of_another_version(program: Program, stack: ExitStack) -> Prepared:
    with sqlite3.connect(program.folder / "courtside.sqlite3") as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied text)")
        file.execute("INSERT INTO django_migrations VALUES (1, 'trading', '9999_from_the_future', '2030-01-01')")
    file.close()
    return [], "another version of Courtside (it knows trading.9999_from_the_future"


def venues_of_another_seed(program: Program, stack: ExitStack) -> Prepared:
    assembly = Assembly(SimulatorConfig(seed=8, state_path=program.folder / "simulator.sqlite3"))
    assembly.save()
    assembly.close()
    return ["--seed", "9"], "have seed 8, not 9"


def garbage_for_the_venues_state(program: Program, stack: ExitStack) -> Prepared:
    _file(program, "simulator.sqlite3", b"this is no state" * 100)
    return [], "The state of the simulated venues in simulator.sqlite3 cannot be read"


def speed_of_nothing(program: Program, stack: ExitStack) -> Prepared:
    return ["--speed", "0"], "--speed must be above 0"


def a_wrong_key(program: Program, stack: ExitStack) -> Prepared:
    return [], "CREDENTIALS_KEY must be 32 bytes in base64", {"CREDENTIALS_KEY": "abc"}


def a_wrong_key_in_the_file(program: Program, stack: ExitStack) -> Prepared:
    _file(program, "credentials.key", b"\xff\xfe no key")
    return [], "The key in credentials.key must be 32 bytes in base64"


def a_wrong_key_at_a_reset(program: Program, stack: ExitStack) -> Prepared:
    _file(program, "courtside.sqlite3", b"what a former run kept")
    return ["--reset"], "CREDENTIALS_KEY must be 32 bytes in base64", {"CREDENTIALS_KEY": "abc"}


def real_venues(program: Program, stack: ExitStack) -> Prepared:
    return [], "runs on simulated venues only, but TRADING_MODE is paper", {"TRADING_MODE": "paper"}


def a_database_that_does_not_answer(program: Program, stack: ExitStack) -> Prepared:
    url = {"DATABASE_URL": f"postgres://ann@127.0.0.1:{free_ports(1)}/courtside"}
    return [], "The database that DATABASE_URL names does not answer", url


def processes_without_redis(program: Program, stack: ExitStack) -> Prepared:
    _file(program, "courtside.sqlite3", b"what a former run kept")
    nobody = {"REDIS_URL": f"redis://127.0.0.1:{free_ports(1)}/0"}
    return ["--split", "--reset"], "--split needs Redis, and REDIS_URL does not answer", nobody


CASES: list[Callable[[Program, ExitStack], Prepared]] = [
    port_in_use,
    port_that_is_none,
    folder_in_use,
    folder_that_is_a_file,
    tape_that_is_missing,
    tape_of_another_format,
    tape_that_is_no_gzip,
    garbage_for_a_database,
    database_of_another_version,
    venues_of_another_seed,
    garbage_for_the_venues_state,
    speed_of_nothing,
    a_wrong_key,
    a_wrong_key_in_the_file,
    a_wrong_key_at_a_reset,
    real_venues,
    a_database_that_does_not_answer,
    processes_without_redis,
]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    program.folder.mkdir()
    yield program
    program.kill()


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__.replace("_", " "))
def test_it_refuses(program: Program, prepare: Callable[[Program, ExitStack], Prepared]):
    with ExitStack() as stack:
        refuses(program, *prepare(program, stack))


def test_it_refuses_a_truncated_tape(program: Program, shared: Path, tmp_path: Path):
    whole = (shared / "sports" / "data" / GAME).read_bytes()
    refuses(program, ["--tape", _file(program, "cut.jsonl.gz", whole[: len(whole) // 2])], "cut.jsonl.gz")


def test_it_refuses_another_key_until_the_former_one_is_back(program: Program):
    program.start()
    until(lambda: program.our_books().cash_u.keys() >= {"kalshi", "polymarket"})
    program.stop()
    key = program.folder / "credentials.key"
    mislaid = key.rename(program.folder.parent / "credentials.key")
    says_no(
        program, words="credentials.key is gone. Put the former key back, or start over with: make run ARGS=--reset"
    )
    another = {"CREDENTIALS_KEY": base64.b64encode(b"k" * 32).decode()}
    says_no(program, words="CREDENTIALS_KEY does not open the stored venue credentials", environment=another)
    assert not key.exists()
    mislaid.rename(key)
    program.start()
    assert program.stop()[0] == 0


def refuses(
    program: Program, args: list[str], words: str, environment: Mapping[str, str] = MappingProxyType({})
) -> None:
    before = contents(program.folder)
    says_no(program, *args, words=words, environment=environment)
    after = contents(program.folder)
    assert {name: after.get(name) for name in before} == before
    assert {Path(name).name for name in after.keys() - before.keys()} <= FIRST_WRITES


def says_no(program: Program, *args: str, words: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    code = program.launch(*args, environment=environment).wait(30)
    said = program.output().strip()
    assert (code, words in said) == (2, True), f"{code}: {said}"
    assert "Traceback" not in said and said.count("\n") <= 1, said


def contents(folder: Path) -> dict[str, str]:
    """Every file with its digest."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else [folder]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _file(program: Program, name: str, content: bytes) -> str:
    path = program.folder / name
    path.write_bytes(content)
    return str(path)
