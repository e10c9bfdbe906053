"""Decisions as sentences, from the numbers that were kept with them."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from core.clock import from_ms
from core.errors import CODES, LimitBreached
from risk.checks import Act, Verdict
from risk.checks.values import Breach
from risk.limits import Level
from tests.builders import NOON_MS, a_market, an_account, an_epoch, an_intent
from tests.house.tree import program
from trading.domain.gates import GATES
from trading.domain.strategies.exits import RULES
from trading.models import Decision
from trading.selectors.pages import told
from trading.selectors.refusals import NUMBERED, WORDS_ALONE, refusal_text
from trading.selectors.why import _GATES, tell
from trading.services.claims import order_deny


def gate(name: str, value: Any, limit: Any, unit: str, *, passed: bool = False) -> dict[str, Any]:
    return {"name": name, "passed": passed, "value": value, "limit": limit, "unit": unit}


@pytest.mark.parametrize(
    ("blocked", "sentence"),
    [
        (gate("confidence", 520_000, 600_000, "ratio_u"), "No entry: confidence 0.52 is below 0.60."),
        (gate("spread", 60_000, 50_000, "price_u"), "No entry: spread 6.0¢ is above 5.0¢."),
        (gate("spread", "one-sided", 50_000, "price_u"), "No entry: the book is one-sided, so it has no spread."),
        (gate("time_left", 245, 300, "s"), "No entry: time left 4 min 05 s is below 5 min."),
        (gate("depth", 6_000_000, 10_000_000, "usd_u"), "No entry: $6.00 on offer is below $10.00."),
        (gate("game_live", "in_progress", "live", "text"), "No entry: the game is in progress, not live."),
        (gate("book_sound", 95, 90, "s"), "No entry: the book was last heard of 1 min 35 s ago, limit 1 min 30 s."),
        (gate("a_new_gate", 1, 2, "count"), "No entry: a new gate."),
    ],
)
def test_the_gate_that_blocked_is_told_with_its_value_and_limit(blocked, sentence):
    why = tell(verdict="blocked", reason=blocked["name"], detail={"gates": [blocked]})
    assert why.sentence == sentence


def test_an_entry_is_told_by_its_dip_and_its_confidence():
    gates = [
        gate("dipped", 410_000, 500_000, "price_u", passed=True),
        gate("confidence", 710_000, 600_000, "ratio_u", passed=True),
    ]
    why = tell(verdict="enter", reason="dip_reversion", detail={"gates": gates}, price_u=420_000, qty_u=119_000_000)
    assert why.sentence == (
        "Entry: bid for 119.00 at 42.0¢ or better; mid 41.0¢ is at or below the trigger 50.0¢ "
        "and confidence 0.71 reaches 0.60."
    )


def test_an_exit_is_told_by_its_rule():
    gates = [gate("take_profit", 508_000, 504_000, "price_u")]
    why = tell(verdict="exit", reason="take_profit", detail={"gates": gates}, price_u=500_000, qty_u=10_000_000)
    assert why.sentence == "Exit: offered 10.00 at 50.0¢ or better; bid after fee 50.8¢ reached the target 50.4¢."


def test_an_exit_that_waits_says_for_what():
    gates = [gate("stop_loss", 300_000, 310_000, "price_u")]
    why = tell(verdict="hold", reason="stop_loss:no_bid", detail={"gates": gates})
    assert why.sentence == "Holding: mark after fee 30.0¢ fell to the stop 31.0¢, but there is no bid to sell to."


def test_confidence_is_shown_part_by_part_and_the_unknown_as_unknown():
    confidence = {
        "score_u": 520_000,
        "factors": [
            {"name": "edge", "value_u": 390_000, "weight": 25},
            {"name": "feed", "value_u": None, "weight": 10},
        ],
    }
    why = tell(verdict="blocked", reason="confidence", detail={"gates": [], "confidence": confidence})
    assert why.score == "0.52"
    assert [(one.label, one.value, one.share) for one in why.factors] == [
        ("Edge after fees", "0.39", 39),
        ("Game feeds agree", "–", 0),
    ]


def test_every_question_of_the_strategy_has_words_of_its_own():
    asked = {one.name for one in GATES} | {one.name for one in RULES} | {"confidence", "size"}
    assert asked - _GATES.keys() == set()


@pytest.mark.parametrize(
    ("code", "seen", "sentence"),
    [
        (
            "book_stale",
            {"pt": "PT-19", "value": 700, "limit": 500, "level": "account"},
            "PT-19: the book was not heard of for too long (700 ms, limit 500 ms of the account).",
        ),
        (
            "max_order_usd",
            {"pt": "PT-08", "value": 120_500_000, "limit": 100_000_000, "level": "hard cap"},
            "PT-08: the order is larger than the limit of one order ($120.50, limit $100.00).",
        ),
        (
            "outside_collar",
            {"pt": "PT-04", "value": 460_000, "limit": 430_000, "level": "venue"},
            "PT-04: the price is too far beyond the best price (46.0¢, limit 43.0¢ of the venue).",
        ),
        (
            "score_stale",
            {"pt": "PT-23", "value": 95_000, "limit": 25_000, "level": "strategy"},
            "PT-23: the score was not heard of for too long (1 min 35 s, limit 25 s of the strategy).",
        ),
        (
            "book_unusable",
            {"pt": "PT-19", "value": "stream down", "limit": "up", "level": "hard cap"},
            "PT-19: the book cannot be used now (stream down).",
        ),
        (
            "duplicate_order",
            {"pt": "PT-15", "value": 1, "limit": 0},
            "PT-15: an order of the same terms was placed a moment ago.",
        ),
        ("no_permit", {}, "No permit."),
    ],
)  # fmt: skip
def test_a_refusal_is_told_with_its_check_its_number_and_whose_limit_it_was(code, seen, sentence):
    assert refusal_text(code, seen=seen) == sentence


def test_a_halt_is_told_in_its_own_words():
    seen = {"pt": "PT-01", "value": "halted", "limit": "active", "level": "hard cap"}
    assert refusal_text("halted", message="A drill.", seen=seen) == "PT-01: A drill (halted)."


def test_every_code_of_a_check_is_written_somehow():
    checks = [module for module in program() if str(module.path).startswith("risk/checks/")]
    told = {node.value for module in checks for node in module.of(ast.Constant) if isinstance(node.value, str)}
    codes = told & set(CODES)
    assert len(codes) > 35
    assert codes - set(NUMBERED) - WORDS_ALONE == set()
    assert (set(NUMBERED) | WORDS_ALONE) - codes == set()


@pytest.mark.django_db
def test_the_list_of_decisions_says_which_check_denied_an_entry():
    account, market = an_account(), a_market()
    intent = an_intent(market)
    Decision.objects.create(
        user=account.user, decision_id=intent.decision_id, market=market, outcome="yes", verdict="enter",
        reason="dip_reversion", price_u=400_000, qty_u=1_000_000, decided_at=from_ms(NOON_MS),
    )  # fmt: skip
    breach = Breach("book_stale", 700, 500, pt="PT-19", level=Level.ACCOUNT)
    with pytest.raises(LimitBreached):
        order_deny(
            venue_account=account, lease_epoch=an_epoch(account), intent=intent, verdict=Verdict(breach, Act.DENY)
        )
    [line] = told(account.user, Decision.objects.all())
    assert line.refusal == "PT-19: the book was not heard of for too long (700 ms, limit 500 ms of the account)."
