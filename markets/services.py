"""Keep what venues list and what feeds tell of games: upserts that are true to the last message, links, price points.

Invariant: a link between a market and a game, once made, is not moved by a machine: a postponed game keeps its market.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction

from audit.services import audit_append
from core import clock
from markets.models import Game, Market, PricePoint
from venues.types import GameState, MarketState, Outcome, VenueMarket

CHAIN = "markets"
"""The audit chain of what was decided about markets, for everybody."""

_LIFE = list(MarketState)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSample:
    """Best bid and ask of YES and our fair value, µUSD; `at_ms` in the trader's time."""

    market_id: str
    at_ms: int
    bid_u: int | None
    ask_u: int | None
    fair_u: int | None = None


@transaction.atomic(durable=True)
def market_upsert(*, market: VenueMarket) -> Market:
    """Keep a listing with its terms. A state never runs backwards from a result (settled stays settled)."""
    return _market_upsert(market)


@transaction.atomic(durable=True)
def markets_upsert(*, markets: Iterable[VenueMarket]) -> list[Market]:
    """A discovery's listings in one transaction."""
    return [_market_upsert(market) for market in markets]


@transaction.atomic(durable=True)
def market_state_set(
    *, market_id: str, state: MarketState, result: Outcome | None = None, value_u: int | None = None
) -> Market | None:
    """A lifecycle message of the venue; None for a market that is not known."""
    row = Market.objects.select_for_update().filter(market_id=market_id).first()
    if row is None:
        return None
    terms = row.venue_market
    known = msgspec.structs.replace(
        terms,
        state=state,
        result=result or terms.result,
        settlement_value_u=value_u if value_u is not None else terms.settlement_value_u,
    )
    return _market_upsert(known)


@transaction.atomic(durable=True)
def game_upsert(*, game: GameState) -> Game:
    """Keep the state of a game as its source tells it."""
    return _game_upsert(game)


@transaction.atomic(durable=True)
def games_upsert(*, games: Iterable[GameState]) -> list[Game]:
    """A scoreboard in one transaction."""
    return [_game_upsert(game) for game in games]


@transaction.atomic(durable=True)
def market_link(*, game: Game, market: Market, yes_is_home: bool | None, note: str = "") -> bool:
    """Say which game a market is about; False when it was linked before (the first link stays)."""
    rows = Market.objects.filter(pk=market.pk, game__isnull=True)
    if not rows.update(game=game, yes_is_home=yes_is_home, match_note=note[:300], updated_at=clock.now()):
        return False
    _audit(market, "market.linked", {"game": game.game_id, "yes_is_home": yes_is_home, "note": note[:300]})
    return True


@transaction.atomic(durable=True)
def baseline_record(*, market_id: str, mid_u2: int, strength_u: int | None, is_late: bool) -> bool:
    """The pregame mid of YES, doubled; a late one never replaces one that was seen before the start."""
    rows = Market.objects.filter(market_id=market_id)
    if is_late:
        rows = rows.filter(baseline_mid_u2__isnull=True)
    return bool(rows.update(baseline_mid_u2=mid_u2, baseline_strength_u=strength_u, baseline_is_late=is_late))


@transaction.atomic(durable=True)
def price_points_record(*, batch: Iterable[PriceSample]) -> int:
    """Insert samples; one that is there for the same market and moment stays. The number written."""
    samples = list(batch)
    wanted = {sample.market_id for sample in samples}
    ids = dict(Market.objects.filter(market_id__in=wanted).values_list("market_id", "id"))
    rows = [
        PricePoint(
            market_id=ids[sample.market_id],
            at=clock.from_ms(sample.at_ms),
            bid_u=sample.bid_u,
            ask_u=sample.ask_u,
            fair_u=sample.fair_u,
        )
        for sample in samples
        if sample.market_id in ids
    ]
    PricePoint.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _market_upsert(market: VenueMarket) -> Market:
    known = Market.objects.select_for_update().filter(market_id=market.market_id).first()
    if (
        known is not None
        and _LIFE.index(MarketState(known.state)) >= _LIFE.index(MarketState.DETERMINED)
        and (_LIFE.index(market.state) < _LIFE.index(MarketState(known.state)))
    ):
        return known
    row, _ = Market.objects.update_or_create(market_id=market.market_id, defaults=_market_columns(market))
    if known is not None and (row.result, row.settlement_value_u) != (known.result, known.settlement_value_u):
        _audit(row, "market.result", {"result": row.result, "value_u": row.settlement_value_u, "state": row.state})
    return row


def _audit(market: Market, kind: str, payload: Mapping[str, Any]) -> None:
    """What decides money is audited; a listing as such can be read again at its venue."""
    audit_append(
        chain=CHAIN,
        actor="venue",
        kind=kind,
        subject_type="market",
        subject_uid=market.uid,
        payload={"market_id": market.market_id, **payload},
    )


def _market_columns(market: VenueMarket) -> dict[str, Any]:
    return {
        "venue": market.venue,
        "event_id": market.event_id,
        "kind": market.kind,
        "league": market.league,
        "title": market.title[:300],
        "yes_label": market.yes_label[:160],
        "no_label": market.no_label[:160],
        "state": market.state,
        "result": market.result or "",
        "settlement_value_u": market.settlement_value_u,
        "game_starts_at": clock.from_ms(market.game_start_ms) if market.game_start_ms is not None else None,
        "closes_at": clock.from_ms(market.close_ms) if market.close_ms is not None else None,
        "terms": msgspec.to_builtins(market),
        "updated_at": clock.now(),
    }


def _game_upsert(game: GameState) -> Game:
    row, _ = Game.objects.update_or_create(game_id=game.game_id, defaults=_game_columns(game))
    return row


def _game_columns(game: GameState) -> dict[str, Any]:
    return {
        "league": game.league,
        "sport": game.sport,
        "status": game.status,
        "home_name": game.home.name[:120],
        "home_code": game.home.code[:24],
        "away_name": game.away.name[:120],
        "away_code": game.away.code[:24],
        "home_score": game.home_score,
        "away_score": game.away_score,
        "starts_at": clock.from_ms(game.start_ms),
        "segment": game.segment[:24],
        "clock_text": game.clock_text[:80],
        "detail": game.detail[:200],
        "state": msgspec.to_builtins(game),
        "source_at": clock.from_ms(game.source_ms) if game.source_ms else None,
        "updated_at": clock.now(),
    }
