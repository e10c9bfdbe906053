"""Whose name a trader process trades under: a dead one's at once, a living one's never."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trading.engine.desk import process_holder
from trading.engine.holder import LOCK_NAME, FolderHolder

ROOT = Path(__file__).resolve().parents[3]
HOLDS = """
import sys, pathlib, django
django.setup()
from trading.engine.holder import FolderHolder
with FolderHolder(pathlib.Path(sys.argv[1])) as holder:
    print(holder.name, flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Another process that holds the folder, and its name."""
    command = [sys.executable, "-c", HOLDS, str(folder)]
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "COURTSIDE_DATA_DIR": str(folder)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def test_whoever_comes_after_a_killed_one_has_its_name_and_one_beside_a_living_or_stopped_one_has_not(tmp_path: Path):
    with holding(tmp_path) as (name, process):
        assert name and process_holder() != name
        for stopping in (signal.SIGCONT, signal.SIGSTOP):
            process.send_signal(stopping)
            with FolderHolder(tmp_path) as beside:
                assert beside.name == process_holder()
        process.kill()
        process.wait()
        with FolderHolder(tmp_path) as after:
            assert after.name == name


def test_two_folders_of_one_host_have_two_names(tmp_path: Path):
    names = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with FolderHolder(folder) as holder:
            names.append(holder.name)
    assert len(set(names)) == 2


def test_a_copy_of_a_folder_has_another_name_than_the_folder(tmp_path: Path):
    (tmp_path / "one").mkdir()
    with FolderHolder(tmp_path / "one") as first:
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        with FolderHolder(tmp_path / "two") as second:
            assert len({first.name, second.name, process_holder()}) == 3


@pytest.mark.parametrize("left", ["", "0123456789abcdef"])
def test_a_half_written_name_is_made_anew_and_then_kept(tmp_path: Path, left: str):
    (tmp_path / LOCK_NAME).write_text(left)
    names = set()
    for _ in range(2):
        with FolderHolder(tmp_path) as holder:
            names.add(holder.name)
    (name,) = names
    assert not left or left not in name
