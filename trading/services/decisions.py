"""Keep the session's decisions, in batches: why it acted and why it did not."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from django.db import transaction

from accounts.models import User
from core import clock
from markets.models import Market
from trading.domain import commands
from trading.models import Decision


@transaction.atomic(durable=True)
def decisions_record(*, user: User, batch: Sequence[commands.Decision]) -> int:
    """Insert a batch in its order; the number kept. Decisions about a market that is not known are not kept."""
    wanted = {decision.market_id for decision in batch}
    markets = {row.market_id: row for row in Market.objects.filter(market_id__in=wanted).only("market_id", "game")}
    rows = [_row(user, markets[one.market_id], one) for one in batch if one.market_id in markets]
    Decision.objects.bulk_create(rows, batch_size=200)
    return len(rows)


def _row(user: User, market: Market, one: commands.Decision) -> Decision:
    return Decision(
        user=user,
        decision_id=one.decision_id,
        strategy=one.strategy,
        market=market,
        game_id=market.game_id,
        outcome=one.outcome,
        verdict=one.verdict,
        reason=one.reason[:64],
        note=one.note[:300],
        bid_u=one.bid_u,
        ask_u=one.ask_u,
        mid_u=one.mid_u,
        baseline_u=one.baseline_u,
        fair_u=one.fair_u,
        price_u=one.price_u,
        qty_u=one.qty_u,
        confidence_u=one.confidence.score_u if one.confidence else None,
        detail=msgspec.to_builtins({"gates": one.gates, "confidence": one.confidence, "sizing": one.sizing}),
        decided_at=clock.from_ms(one.at_us // 1000),
    )
