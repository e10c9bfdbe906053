"""`python -m tests.bench.hotpath`: messages a second of CPU through decode + book + session, beside a bare loop.

All loops see the same frames in the same run, slice by slice and in turns, and only their own CPU time counts:
- bare: typed decode, book, a strategy of three lines;
- session: the same decode, then the whole session: every market linked to a live game, the dip strategy on for both
  outcomes, the games' own states and a tick every second;
- whole path: as live, with the venue's stream machine (sequence, validity, unknown fields) in place of the decode.
  Goal: at least half of the bare loop's rate.
Compare rows of one run; the figures of two machines mean nothing beside each other.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice
from pathlib import Path
from time import process_time_ns
from typing import NamedTuple

from tests.bench.bare import BareKalshi, BarePolymarket, PlainKalshi, PlainPolymarket
from tests.bench.recorded import RecordedTape
from tests.bench.stage import Stage, kalshi_stream, polymarket_stream
from tests.bench.tapes import Frame, KalshiTape, PolymarketTape, condition, kalshi_ticker
from venues.types import Venue

SLICE = 10_000
GOAL = 0.5
RECORDED = Path("venues/kalshi/samples/kalshi-cockpit/ws_orderbook_stream.json")
SHARED = Path(__file__).resolve().parents[3] / "shared"

Loop = Callable[[list[Frame]], None]
COLUMNS = ("messages", "bare loop", "session", "ratio", "whole path", "ratio")
HEAD = "messages/s of CPU       " + "".join(f"{column:>12}" for column in COLUMNS) + f"   whole path ≥ {GOAL:.0%}"


class Row(NamedTuple):
    """Nanoseconds of CPU for the same messages."""

    name: str
    messages: int
    bare_ns: int
    session_ns: int
    whole_ns: int

    def text(self) -> str:
        bare, session, whole = (self.messages * 1e9 / ns for ns in (self.bare_ns, self.session_ns, self.whole_ns))
        ratios = f"{session:>12,.0f}{session / bare:>12.0%}{whole:>12,.0f}{whole / bare:>12.0%}"
        verdict = "PASS" if whole >= GOAL * bare else "below"
        return f"{self.name:<24}{self.messages:>12,}{bare:>12,.0f}{ratios}   {verdict}"


def together(name: str, one: Row, other: Row) -> Row:
    return Row(name, *(mine + theirs for mine, theirs in zip(one[1:], other[1:], strict=True)))


class Race(NamedTuple):
    """The three loops over one venue's wire."""

    bare: BareKalshi | BarePolymarket
    session: Stage
    whole: Stage

    def run(self, name: str, opening: Iterable[Frame], frames: Iterable[Frame]) -> Row:
        """The opening is not timed; then each slice goes through each loop, another one first each time: whoever is
        first brings the frames into the processor's cache for the others."""
        first = list(opening)
        self.bare.run(first)
        for stage in (self.session, self.whole):
            stage.run(first)
            stage.begin()
        loops: tuple[Loop, ...] = (self.bare.run, self.session.run, self.whole.run)
        spent_ns, messages, source = [0, 0, 0], 0, iter(frames)
        for turn in count():
            batch = list(islice(source, SLICE))
            if not batch:
                break
            messages += len(batch)
            for step in range(3):
                which = (turn + step) % 3
                spent_ns[which] += timed(loops[which], batch)
        return Row(name, messages, *spent_ns)


def timed(loop: Loop, frames: list[Frame]) -> int:
    """CPU nanoseconds of one loop over the frames."""
    gc.collect()
    started = process_time_ns()
    loop(frames)
    return process_time_ns() - started


def kalshi_race(tickers: Sequence[str]) -> Race:
    plain = Stage(Venue.KALSHI, tickers, PlainKalshi().feed)
    return Race(BareKalshi(), plain, Stage(Venue.KALSHI, tickers, kalshi_stream(tickers).feed))


def polymarket_race(markets: int) -> Race:
    conditions = [condition(number) for number in range(markets)]
    plain = Stage(Venue.POLYMARKET, conditions, PlainPolymarket().feed)
    return Race(BarePolymarket(), plain, Stage(Venue.POLYMARKET, conditions, polymarket_stream(markets).feed))


def finished(row: Row, race: Race) -> Row:
    """Say what the session did, and whether it did the same behind both decodes."""
    same = race.session.session.digest.hexdigest() == race.whole.session.digest.hexdigest()
    print(f"{row.name}: {race.whole.summary()}{'' if same else ' (the two sessions differ!)'}", flush=True)
    return row


def recorded(loops: int) -> list[Row]:
    """The recorded stream of twelve markets, to and fro."""
    path = SHARED / RECORDED
    if not path.is_file():
        print("(the recorded stream in ../shared is not here: its row is left out)")
        return []
    tape = RecordedTape(path)
    race = kalshi_race(tape.tickers)
    return [finished(race.run("Kalshi, recorded", tape.opening(), tape.frames(loops)), race)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="generated messages, half of each venue")
    parser.add_argument("--markets", type=int, default=200, help="markets, half of each venue")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    messages, markets = options.messages // 2, options.markets // 2
    rows = recorded(loops=400)
    made, race = KalshiTape(markets, options.seed), kalshi_race([kalshi_ticker(number) for number in range(markets)])
    rows.append(finished(race.run("Kalshi, generated", made.opening(), made.frames(messages)), race))
    other, race = PolymarketTape(markets, options.seed), polymarket_race(markets)
    rows.append(finished(race.run("Polymarket, generated", other.opening(), other.frames(messages)), race))
    rows.append(together("generated, both", rows[-2], rows[-1]))
    print(HEAD, *(row.text() for row in rows), sep="\n")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
