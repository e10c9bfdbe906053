"""The simulator's ids against ids of real markets: what a client derives must equal what the venue lists."""

from __future__ import annotations

import json
from pathlib import Path

from venues.simulator import polymarket_ids as ids

NFL = "venues/polymarket/samples/gamma/event_real_2026-10-06_nfl-tb-dal_TRIMMED.json"
NEG_RISK = "venues/polymarket/samples/gamma/nt_gamma_event.json"


def test_ids_of_real_nfl_markets_re_derive_from_their_question_ids(shared: Path) -> None:
    for market in json.loads((shared / NFL).read_bytes())[0]["markets"]:
        condition = ids.condition_id(market["resolvedBy"], bytes.fromhex(market["questionID"][2:]))
        tokens = [str(ids.token_id(ids.USDC_E, condition, index_set)) for index_set in (1, 2)]
        assert market["conditionId"] == "0x" + condition.hex()
        assert json.loads(market["clobTokenIds"]) == tokens
        assert market["positionIds"] == [str(ids.position_id(condition, i, is_neg_risk=False)) for i in (0, 1)]


def test_ids_of_a_real_negative_risk_market_re_derive_from_the_wrapped_collateral(shared: Path) -> None:
    for market in json.loads((shared / NEG_RISK).read_bytes())[0]["markets"]:
        condition = ids.condition_id(ids.NEG_RISK_ADAPTER, bytes.fromhex(market["questionID"][2:]))
        tokens = [str(ids.token_id(ids.WRAPPED_COLLATERAL, condition, index_set)) for index_set in (1, 2)]
        assert market["conditionId"] == "0x" + condition.hex()
        assert json.loads(market["clobTokenIds"]) == tokens


def test_the_same_question_always_gives_the_same_ids() -> None:
    assert ids.binary_market_ids("nba-aaa-bbb") == ids.binary_market_ids("nba-aaa-bbb")
    assert ids.binary_market_ids("nba-aaa-bbb") != ids.binary_market_ids("nba-aaa-ccc")


def test_questions_of_one_negative_risk_group_share_its_market_id() -> None:
    first, second = ids.neg_risk_market_ids("epl-ars-che", 0), ids.neg_risk_market_ids("epl-ars-che", 1)
    assert first.neg_risk_market_id == second.neg_risk_market_id
    assert first.condition_id != second.condition_id


def test_position_ids_are_told_from_token_ids() -> None:
    market = ids.binary_market_ids("nba-aaa-bbb")
    assert all(ids.is_position_id(int(each)) for each in market.position_ids)
    assert not any(ids.is_position_id(int(each)) for each in market.token_ids)
