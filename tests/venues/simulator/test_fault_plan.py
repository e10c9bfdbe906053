"""The plan of faults by itself: which call is struck, by what, and always the same one."""

from __future__ import annotations

import pytest

from venues.simulator.fault_kinds import KINDS, ORDER_FAULTS, Phase
from venues.simulator.fault_plan import BadRule, FaultRule, Match, ScheduledFaults, SeededFaults
from venues.simulator.faults import Call, Spoil

CREATE = {"venue": "kalshi", "op": "create", "account_id": "a"}


def struck(plan: ScheduledFaults, count: int, **call: str) -> list[int]:
    """The numbers of the struck ones of `count` requests."""
    found = []
    for number in range(1, count + 1):
        each = Call(**{**CREATE, **call})
        if (plan.before(each) or plan.after(each)) is not None:
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("match", "times", "expected"),
    [
        (Match(), 0, [1, 2, 3, 4, 5, 6, 7, 8]),
        (Match(), 2, [1, 2]),
        (Match(nth=3), 0, [3]),
        (Match(every=3), 0, [3, 6]),
        (Match(nth=2, every=3), 0, [2, 5, 8]),
        (Match(nth=2, every=3), 1, [2]),
        (Match(op="create", venue="kalshi", account="a"), 1, [1]),
        (Match(op="cancel"), 0, []),
        (Match(account="b"), 0, []),
        (Match(venue="polymarket"), 0, []),
        (Match(reference="/orders"), 0, []),
    ],
)
def test_a_rule_strikes_the_calls_it_names(match: Match, times: int, expected: list[int]):
    for fault in ("accept_then_drop", "swallow"):
        assert struck(ScheduledFaults([FaultRule(fault=fault, match=match, times=times)]), 8) == expected


def test_the_question_that_is_answered_decides_whether_there_is_an_effect():
    plan = ScheduledFaults([FaultRule(fault="500_after", match=Match(nth=1)), FaultRule(fault="500_before")])
    first, second = Call(**CREATE), Call(**CREATE)
    assert plan.before(first) is None
    told = plan.before(second)
    assert told is not None and (told.status, told.fault) == (500, "500_before")
    assert plan.after(second) is None
    spoiled = plan.after(first)
    assert spoiled is not None and (spoiled.status, spoiled.fault) == (500, "500_after")
    assert plan.after(first) is None


def test_lost_requests_are_counted_too():
    plan = ScheduledFaults([FaultRule(fault="swallow", times=2), FaultRule(fault="truncated", match=Match(nth=3))])
    assert struck(plan, 4) == [1, 2, 3]
    assert [(rule.fault, hits) for rule, hits in plan.rules] == [("swallow", 2), ("truncated", 1)]
    assert [strike.fault for strike in plan.strikes] == ["swallow", "swallow", "truncated"]


def test_faults_of_frames_requests_and_connections_meet_only_their_own():
    frames = ScheduledFaults([FaultRule(fault="frame_drop"), FaultRule(fault="storm"), FaultRule(fault="swallow")])
    frame, request, connection = Call("kalshi", "fill", "a"), Call("kalshi", "orders", "a"), Call("kalshi", "connect")
    told = frames.frame(frame), frames.before(request), frames.before(connection)
    assert [each.fault if each else "" for each in told] == ["frame_drop", "swallow", "storm"]


@pytest.mark.parametrize(
    ("fault", "call", "is_struck"),
    [
        ("fills_only_by_rest", Call("kalshi", "fill", "a", "fill"), True),
        ("fills_only_by_rest", Call("polymarket", "user", "a", "trade"), True),
        ("fills_only_by_rest", Call("polymarket", "user", "a", "order"), False),
        ("fills_only_by_rest", Call("kalshi", "orderbook_delta", "a", "orderbook_delta"), False),
        ("fills_only_by_socket", Call("kalshi", "fills", "a"), True),
        ("fills_only_by_socket", Call("polymarket", "data/trades", "a"), True),
        ("fills_only_by_socket", Call("kalshi", "orders", "a"), False),
    ],
)
def test_a_fill_can_be_hidden_on_one_way_only(fault: str, call: Call, is_struck: bool):
    plan = ScheduledFaults([FaultRule(fault=fault)])
    told = plan.frame(call) or (plan.before(call), plan.after(call))[1]
    assert (told is not None) is is_struck


def test_a_rule_says_how_long_with_which_status_and_words():
    plan = ScheduledFaults(
        [
            FaultRule(fault="hold", delay_ms=70, match=Match(op="create")),
            FaultRule(fault="refusal", status=418, code="teapot", match=Match(op="cancel")),
            FaultRule(fault="429_ra", retry_after="soon", match=Match(op="orders")),
            FaultRule(fault="redirect_307", location="http://127.0.0.1:1/x", match=Match(op="fills")),
            FaultRule(fault="drip", delay_ms=9, match=Match(op="balance")),
        ]
    )
    told = {}
    for op in ("create", "cancel", "orders", "fills", "balance"):
        call = Call("kalshi", op, "a")
        told[op] = plan.before(call) or plan.after(call)
    assert None not in told.values()
    assert told["create"].delay_ms == 70 and not told["create"].status
    assert told["cancel"].status == 418 and b'"code":"teapot"' in told["cancel"].body
    assert told["orders"].headers == {"Retry-After": "soon"}
    assert told["fills"].headers == {"Location": "http://127.0.0.1:1/x"}
    assert told["balance"].drip_ms == 9


def test_a_seed_gives_the_same_faults_however_accounts_interleave():
    def run(order: list[str], seed: int = 7) -> dict[str, list[int]]:
        plan = ScheduledFaults(seed=seed)
        got: dict[str, list[int]] = {"a": [], "b": []}
        for account in order:
            call = Call("kalshi", "create", account)
            told = plan.before(call) or plan.after(call)
            got[account].append(hash((told.fault, told.delay_ms)) if told else 0)
        return got

    in_turn, by_turns = run(["a"] * 60 + ["b"] * 60), run(["a", "b"] * 60)
    assert in_turn == by_turns
    assert in_turn["a"] != in_turn["b"]
    assert run(["a"] * 60) != run(["a"] * 60, seed=8)


def test_a_seed_strikes_at_its_rate_and_only_what_it_may():
    everything = SeededFaults(seed=7, rate_ppm=1_000_000, kinds=ORDER_FAULTS)
    assert struck(ScheduledFaults(seed=everything), 50) == list(range(1, 51))
    assert struck(ScheduledFaults(seed=everything), 50, op="orders") == []
    plan = ScheduledFaults(seed=SeededFaults(seed=7, rate_ppm=250_000))
    assert 170 < len(struck(plan, 1_000)) < 330
    assert len({strike.fault for strike in plan.strikes}) > len(ORDER_FAULTS) // 2
    assert plan.frame(Call("kalshi", "fill", "a")) is None


def test_a_cleared_plan_disturbs_nobody():
    plan = ScheduledFaults([FaultRule(fault="swallow")], seed=SeededFaults(seed=7, rate_ppm=1_000_000))
    assert struck(plan, 3) == [1, 2, 3]
    plan.clear()
    assert struck(plan, 3) == [] and plan.rules == []
    assert plan.struck == {"swallow": 3}


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule(fault="gremlin"),
        FaultRule(fault="hold", delay_ms=-1),
        FaultRule(fault="refusal", status=200),
        FaultRule(fault="swallow", match=Match(nth=-2)),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_a_sentence(rule: FaultRule):
    with pytest.raises(BadRule, match=r"fault|or more|400"):
        ScheduledFaults([rule])


@pytest.mark.parametrize(
    "seeded",
    [
        SeededFaults(seed=1, rate_ppm=1_000_001),
        SeededFaults(seed=1, kinds=("gremlin",)),
        SeededFaults(seed=1, kinds=("frame_drop",)),
        SeededFaults(seed=1, frame_kinds=("swallow",)),
    ],
)
def test_a_seed_that_makes_no_sense_is_refused_in_a_sentence(seeded: SeededFaults):
    with pytest.raises(BadRule, match=r"million|no faults|strike"):
        ScheduledFaults(seed=seeded)


def test_every_kind_does_something_and_only_one_thing():
    for name, kind in KINDS.items():
        told = kind.disturbance
        ends = [
            told.refuse,
            told.swallow,
            told.drop,
            bool(told.status),
            bool(told.spoil),
            bool(told.trick),
            bool(told.skew_ms),
        ]
        assert sum(ends) == (0 if told.delay_ms or told.drip_ms or told.life_ms else 1), name
        assert (kind.phase is Phase.FRAME) is (name.startswith("frame_") or name == "fills_only_by_rest"), name
    assert {spoil.value for spoil in Spoil} - {""} <= KINDS.keys()
