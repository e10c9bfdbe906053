"""What a frame's number says: in its place, after a gap, or old."""

from __future__ import annotations

import pytest

from venues.kalshi.channels import Channel, Seq


@pytest.mark.parametrize(
    ("seqs", "last"),
    [
        ([1, 2, 3], Seq.NEXT),
        ([1, 2, 4], Seq.GAP),
        ([1, 2, 2], Seq.OLD),
        ([7, 8, 9, 1, 2], Seq.OLD),
        ([7, 8, 9, 1, 2, 3], Seq.GAP),
        ([1, 1, 2, 2, 3, 3], Seq.OLD),
    ],
    ids=["in its place", "lost one", "doubled", "two old", "counter started again", "each doubled"],
)
def test_a_number_tells_where_its_frame_stands(seqs: list[int], last: Seq) -> None:
    channel = Channel("orderbook_delta", takes_markets=True)
    assert [channel.advance(seq) for seq in seqs][-1] is last


def test_after_a_new_start_the_count_goes_on_from_there() -> None:
    channel = Channel("orderbook_delta", takes_markets=True)
    assert [channel.advance(seq) for seq in (9, 1, 2, 3, 4)][-2:] == [Seq.GAP, Seq.NEXT]
