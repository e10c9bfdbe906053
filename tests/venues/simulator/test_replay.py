"""Recorded games: read whole or refused in a sentence, shown without look-ahead, settled as they really ended."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.venues.simulator.worlds import recorded_world
from venues.simulator.replay.load import load
from venues.simulator.replay.tape import ReplayError
from venues.types import MICRO, GameStatus, MarketState, Venue

BARS = "sports/data/stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz"
TICKS = "sports/data/kalshi_nba_ticks/KXNBAGAME-25NOV22LACCHA-LAC.jsonl.gz"


def test_the_wizards_game_is_read_with_its_result(shared: Path) -> None:
    tape = load(shared / BARS)
    assert (tape.away.display, tape.home.display) == ("Atlanta Hawks", "Washington Wizards")
    assert (tape.away_score, tape.home_score, tape.winner) == (131, 116, "away")
    assert (len(tape.quotes), len(tape.plays), tape.event_id) == (590, 451, "401810206")
    assert tape.start_ms == 1_765_065_600_000  # 2025-12-07T00:00Z, as ESPN scheduled it


def test_a_play_is_seen_twenty_seconds_after_it_happened(shared: Path) -> None:
    tape = load(shared / BARS)
    assert tape.plays[0].seen_ms == 1_765_066_270_000 + 20_000
    world, _ = recorded_world(tape)
    world.advance(tape.plays[0].seen_ms - 1)
    assert world.contests[0].game.sheet.status is GameStatus.SCHEDULED
    world.advance(tape.plays[0].seen_ms)
    assert world.contests[0].game.sheet.status is GameStatus.IN_PROGRESS


def test_no_quote_and_no_score_is_shown_before_its_time(shared: Path) -> None:
    tape = load(shared / BARS)
    world, build = recorded_world(tape)
    ticker = "KXNBAGAME-25DEC06ATLWAS-WAS"
    played = [quote for quote in tape.quotes if tape.plays[40].seen_ms < quote.seen_ms < tape.plays[-1].seen_ms]
    for quote in played:
        world.advance(quote.seen_ms)
        market = build.exchanges[Venue.KALSHI].market(ticker)
        assert (market.best_bid_u or 0, market.best_ask_u) == (quote.bid_u, quote.ask_u)
        shown = [play for play in tape.plays if play.seen_ms <= quote.seen_ms]
        sheet = world.contests[0].game.sheet
        assert (sheet.home, sheet.away) == (shown[-1].home, shown[-1].away)


def test_the_wizards_contract_pays_nothing_and_the_hawks_one_dollar(shared: Path) -> None:
    tape = load(shared / BARS)
    world, build = recorded_world(tape)
    world.advance(tape.end_ms + 3 * 3_600_000)
    kalshi = build.exchanges[Venue.KALSHI]
    assert kalshi.market("KXNBAGAME-25DEC06ATLWAS-WAS").value_u == 0
    assert kalshi.market("KXNBAGAME-25DEC06ATLWAS-ATL").value_u == MICRO
    polymarket = list(build.exchanges[Venue.POLYMARKET].markets())
    assert [(market.state, market.value_u) for market in polymarket] == [(MarketState.SETTLED, MICRO)]
    assert world.is_finished
    sheet = world.contests[0].game.sheet
    assert (sheet.away, sheet.home, sheet.status, sheet.winner) == (131, 116, GameStatus.FINAL, "away")
    assert (sum(sheet.away_line), sum(sheet.home_line)) == (131, 116)


@pytest.mark.parametrize("code", ["LAC", "CHA"])
def test_either_ticker_file_brings_its_sibling_and_the_clippers_win(shared: Path, code: str) -> None:
    tape = load(shared / TICKS.replace("-LAC.", f"-{code}."))
    assert len(tape.quotes) == 5_808 + 5_634
    assert (tape.winner, tape.away.display, tape.has_scores) == ("away", "LA Clippers", False)
    assert tape.start_ms == 1_763_834_400_000  # 13:00 in New York


def test_recorded_ticks_stand_in_both_books_and_the_score_stays_unknown(shared: Path) -> None:
    tape = load(shared / TICKS)
    world, build = recorded_world(tape)
    at_ms = tape.start_ms + 60 * 60_000
    world.advance(at_ms)
    for code, side in (("LAC", "away"), ("CHA", "home")):
        market = build.exchanges[Venue.KALSHI].market(f"KXNBAGAME-25NOV22LACCHA-{code}")
        last = [quote for quote in tape.quotes if quote.side == side and quote.seen_ms <= at_ms][-1]
        assert (market.best_bid_u, market.best_ask_u) == (last.bid_u, last.ask_u)
    sheet = world.contests[0].game.sheet
    assert (sheet.status, sheet.home, sheet.away, sheet.period) == (GameStatus.IN_PROGRESS, 0, 0, 0)


def test_a_ticker_file_alone_mirrors_the_other_team(shared: Path, tmp_path: Path) -> None:
    alone = tmp_path / Path(TICKS).name
    alone.write_bytes((shared / TICKS).read_bytes())
    tape = load(alone)
    world, build = recorded_world(tape)
    world.advance(tape.start_ms + 60 * 60_000)
    kalshi = build.exchanges[Venue.KALSHI]
    own, other = (kalshi.market(f"KXNBAGAME-25NOV22LACCHA-{code}") for code in ("LAC", "CHA"))
    assert own.best_bid_u is not None and other.best_ask_u is not None
    assert own.best_bid_u + other.best_ask_u == MICRO


def test_the_same_tape_and_seed_give_the_same_digest_at_any_pace(shared: Path) -> None:
    tape = load(shared / BARS)
    first, second = recorded_world(tape)[0], recorded_world(tape)[0]
    end_ms = tape.start_ms + 3_600_000
    first.advance(end_ms)
    while second.now_ms < end_ms:
        second.advance(min(end_ms, second.now_ms + 1_713))
    assert first.digest == second.digest != recorded_world(tape)[0].digest


def spoiled(tmp_path: Path, content: bytes, name: str = "tape.jsonl.gz") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_tape_cut_short_is_refused(shared: Path, tmp_path: Path) -> None:
    whole = (shared / BARS).read_bytes()
    with pytest.raises(ReplayError, match="truncated"):
        load(spoiled(tmp_path, whole[: len(whole) // 2]))


def test_a_tape_that_ends_before_its_game_is_refused(shared: Path, tmp_path: Path) -> None:
    for name, sentence in ((BARS, "before the end of its game"), (TICKS, "before its game was decided")):
        lines = gzip.decompress((shared / name).read_bytes()).splitlines()
        with pytest.raises(ReplayError, match=sentence):
            load(spoiled(tmp_path, gzip.compress(b"\n".join(lines[: len(lines) // 2])), Path(name).name))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (gzip.compress(b"\n", mtime=0), "empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "no text"),
        (b"timestamp,ticker\n1,2\n", "no JSON"),
        (b"[1, 2]\n", "no JSON object"),
        (b'{"hello": "world"}\n', "format that is not known"),
        (b'{"courtside_tape": 1}\n', "no command replays it"),
        (b'{"type": "meta"}\n', "'kalshi_event' is missing"),
        (b'{"type": "meta", "kalshi_event": "KXNFLGAME-25DEC06ATLWAS"}\n', "cannot be replayed yet"),
        (gzip.compress(b"{}", mtime=0)[:-6], "truncated"),
    ],
)
def test_what_is_no_tape_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(ReplayError, match=sentence):
        load(spoiled(tmp_path, content))


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no file"):
        load(tmp_path / "nothing.jsonl.gz")


@pytest.mark.parametrize("change", [{"close_c": "x"}, {"close_c": "120"}, {"ts": None}])
def test_a_damaged_bar_is_refused_with_its_line(shared: Path, tmp_path: Path, change: dict[str, object]) -> None:
    lines = gzip.decompress((shared / BARS).read_bytes()).decode().splitlines()
    lines[5] = json.dumps(json.loads(lines[5]) | change)
    with pytest.raises(ReplayError, match="line 6"):
        load(spoiled(tmp_path, "\n".join(lines).encode()))
