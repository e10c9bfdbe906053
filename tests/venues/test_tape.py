"""Tapes: what was recorded comes back, and what is no whole tape says so in a sentence."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from venues.tape import TapeError, TapeFrame, TapeRecorder, iter_tape, read_head


async def recorded(path: Path, frames: int = 50) -> Path:
    recorder = TapeRecorder(path, created_ms=1_700_000_000_000, note="test")
    for at in range(frames):
        recorder.record("kalshi.market", f'{{"seq":{at}}}', 1_000 + at)
    await recorder.finish()
    return path


def sentence(path: Path, **options: bool) -> str:
    with pytest.raises(TapeError) as refused:
        list(iter_tape(path, **options))
    return str(refused.value)


async def test_frames_come_back_as_they_came_in(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path / "a.jsonl.gz", created_ms=5, note="evening")
    recorder.record("kalshi.market", '{"a":"é\\n"}', 1)
    recorder.record("espn.scoreboard.nba", b'{"events":[]}', 2)
    recorder.record("odd", b"\xff\x00", 3)
    assert await recorder.finish() == (tmp_path / "a.jsonl.gz",)
    assert read_head(tmp_path / "a.jsonl.gz").note == "evening"
    frames = list(iter_tape(tmp_path / "a.jsonl.gz"))
    assert [(frame.at, frame.stream, frame.payload) for frame in frames] == [
        (1, "kalshi.market", '{"a":"é\\n"}'),
        (2, "espn.scoreboard.nba", '{"events":[]}'),
        (3, "odd", b"\xff\x00"),
    ]


async def test_a_tape_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.jsonl.gz"
    recorder = TapeRecorder(path, created_ms=5)
    recorder.record("s", "x", 1)
    await recorder.flush()
    assert not path.exists()
    assert path.with_name("a.jsonl.gz.part").exists()
    await recorder.finish()
    assert [entry.name for entry in path.parent.iterdir()] == ["a.jsonl.gz"]


async def test_what_was_flushed_before_a_crash_can_still_be_read(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path / "a.jsonl.gz", created_ms=5)
    recorder.record("s", "one", 1)
    await recorder.flush()
    part = tmp_path / "a.jsonl.gz.part"
    assert "cut off after 1 frames" in sentence(part)
    assert [frame.frame for frame in iter_tape(part, allow_unfinished=True)] == ["one"]


async def test_run_writes_without_being_asked(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path / "a.jsonl.gz", created_ms=5)
    task = asyncio.ensure_future(recorder.run(every_s=0.01))
    recorder.record("s", "one", 1)
    part, deadline = tmp_path / "a.jsonl.gz.part", asyncio.get_running_loop().time() + 60
    while not list(iter_tape(part, allow_unfinished=True)) if part.stat().st_size else True:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    task.cancel()


async def test_a_full_queue_drops_and_counts_but_never_grows(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path / "a.jsonl.gz", created_ms=5, max_queued=3)
    for at in range(10):
        recorder.record("s", str(at), at)
    assert recorder.dropped == 7
    await recorder.finish()
    assert [frame.frame for frame in iter_tape(tmp_path / "a.jsonl.gz")] == ["0", "1", "2"]
    assert b'"dropped":7' in gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())


async def test_a_full_file_is_completed_and_the_next_begun(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path / "a.jsonl.gz", created_ms=5, rotate_bytes=400)
    for at in range(30):
        recorder.record("s", f"frame {at}", at)
    files = await recorder.finish()
    assert [file.name for file in files][:2] == ["a.001.jsonl.gz", "a.002.jsonl.gz"]
    assert [frame.at for file in files for frame in iter_tape(file)] == list(range(30))
    assert read_head(files[1]).part == 2


async def test_an_existing_tape_is_never_overwritten(tmp_path: Path) -> None:
    path = await recorded(tmp_path / "a.jsonl.gz")
    with pytest.raises(TapeError, match="exists already: choose another name"):
        TapeRecorder(path, created_ms=5)


async def test_every_cut_of_a_tape_is_noticed(tmp_path: Path) -> None:
    whole = (await recorded(tmp_path / "a.jsonl.gz")).read_bytes()
    cut = tmp_path / "cut.jsonl.gz"
    for length in range(1, len(whole) - 8, 7):
        cut.write_bytes(whole[:length])
        assert str(cut) in sentence(cut)


async def test_a_tape_with_a_line_missing_is_noticed(tmp_path: Path) -> None:
    lines = gzip.decompress((await recorded(tmp_path / "a.jsonl.gz")).read_bytes()).splitlines(keepends=True)
    short = tmp_path / "short.jsonl.gz"
    short.write_bytes(gzip.compress(b"".join([*lines[:10], *lines[11:]])))
    assert "has 49 of 50 frames" in sentence(short)


async def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    lines = gzip.decompress((await recorded(tmp_path / "a.jsonl.gz")).read_bytes()).splitlines(keepends=True)
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(gzip.compress(b"".join([*lines[:3], b'{"at":"x"}\n', *lines[3:]])))
    assert "damaged at frame 3" in sentence(bad)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is no tape\n", "is not a Courtside tape"),
        (gzip.compress(b"ts,price\n1,2\n", mtime=0), "is not a Courtside tape"),
        (gzip.compress(b'{"type":"meta"}\n', mtime=0), "is not a Courtside tape"),
        (gzip.compress(b"", mtime=0), "is not a Courtside tape"),
        (gzip.compress(b'{"courtside_tape":9,"created_ms":1}\n', mtime=0), "has version 9"),
    ],
)
def test_files_that_are_no_tape_are_refused_with_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(content)
    assert words in sentence(path)
    assert words in sentence(path, allow_unfinished=True)


def test_a_missing_file_is_a_sentence_too(tmp_path: Path) -> None:
    assert "There is no tape" in sentence(tmp_path / "none.gz")


def test_recorded_venue_data_is_not_mistaken_for_a_tape(shared: Path) -> None:
    replay = shared / "sports" / "data" / "stream_replay" / "nba_ATL_at_WSH_2025-12-06.jsonl.gz"
    assert "is not a Courtside tape" in sentence(replay)


def test_a_frame_knows_its_payload() -> None:
    assert TapeFrame(1, "s", "text").payload == "text"
    assert TapeFrame(1, "s", "AP8=", b64=True).payload == b"\x00\xff"
