"""A recorded game, twice at once: by the whole program, and step by step in this process. Same tape, same decisions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.money import plain_text
from tests.trading.engine.stand import Stand, standing
from tests.whole.program import Program
from venues.types import MICRO

pytestmark = pytest.mark.whole

GAME = "stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz"
OPENED_U = 20_000 * MICRO
_SUMMARY = re.compile(r"^Replay finished: (?P<figures>.*)$", re.MULTILINE)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path, speed=1_000_000.0)
    yield program
    program.kill()


@pytest.fixture
async def stand(shared_database: None, shared: Path, tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(
        tmp_path,
        settings={},
        tape=shared / "sports" / "data" / GAME,
        is_paused=True,
        polymarket_settle_ms=10 * 60_000,
    ) as stand:
        yield stand


async def test_a_replay_repeats_to_the_digest_and_ends_on_the_venues_cash(program: Program, stand: Stand, shared: Path):
    whole = program.launch("--tape", str(shared / "sports" / "data" / GAME), "--exit-at-end")
    summary = await stand.replay()
    ours, theirs = await stand.our_books(), await stand.venue_books()
    assert ours.differences(theirs) == []
    assert summary.figures.orders == len(ours.orders) > 0
    assert summary.figures.pnl_u == sum(theirs.cash_u.values()) - OPENED_U
    assert ours.positions == {}
    assert {value_u for value_u, *_ in ours.settlements.values()} <= {0, MICRO}

    assert whole.wait(90) == 0, program.output()
    told = _SUMMARY.search(program.output())
    assert told is not None and told["figures"] == summary.sentence().partition(": ")[2]
    assert f"pnl_usd={plain_text(summary.figures.pnl_u)}" in told["figures"]
