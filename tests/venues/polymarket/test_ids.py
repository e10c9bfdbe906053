"""Ids derive offline: every recorded market's condition and token ids follow from its question id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from venues.polymarket import ids

GAMMA = "venues/polymarket/samples/gamma"


@pytest.fixture(scope="module")
def nfl_markets(shared: Path) -> Any:
    return json.loads((shared / GAMMA / "event_real_2026-10-06_nfl-tb-dal_TRIMMED.json").read_text())[0]["markets"]


def test_every_recorded_nba_market_derives(shared: Path) -> None:
    events = json.loads((shared / GAMMA / "events_real_2026-01_nba.json").read_text())
    markets = [market for event in events for market in event["markets"] if market["sportsMarketType"] == "moneyline"]
    assert len(markets) == 50
    for market in markets:
        assert ids.condition_id(market["questionID"], neg_risk=False) == market["conditionId"]
        assert list(ids.token_ids(market["conditionId"], neg_risk=False)) == json.loads(market["clobTokenIds"])


def test_position_ids_of_the_nfl_markets_derive(nfl_markets: Any) -> None:
    for market in nfl_markets:
        assert list(ids.binary_position_ids(market["conditionId"])) == market["positionIds"]
        assert all(ids.is_position_id(position) for position in market["positionIds"])
        assert not any(ids.is_position_id(token) for token in json.loads(market["clobTokenIds"]))


def test_a_neg_risk_market_derives_from_the_wrapped_collateral(shared: Path) -> None:
    event = json.loads((shared / GAMMA / "nt_gamma_event.json").read_text())
    for market in (event[0] if isinstance(event, list) else event)["markets"]:
        assert list(ids.token_ids(market["conditionId"], neg_risk=True)) == json.loads(market["clobTokenIds"])
