"""What the CLOB itself says of a market: today's terms (compact form) and state (long form), fresher than Gamma.

Gamma finds and names markets but is cached for minutes; before money depends on a tick, a fee, a delay or a result, it
is read here. Which token is YES follows from the ids, not from the order they are listed in. Source: FACTS §2.4, §2.5.
"""

from __future__ import annotations

import msgspec

from venues.errors import ProtocolError
from venues.polymarket import ids
from venues.polymarket.constants import FEE_QUANTUM_U, MARKETABLE_BUY_MIN_U, SIZE_STEP_U
from venues.polymarket.markets import Routing, bands, market_id_of, result_of, routing_of, routing_text
from venues.polymarket.micro import exact_micro_of, parse_iso_ms
from venues.polymarket.schemas import ClobMarket, LongMarket
from venues.types import MICRO, FeeSchedule, MarketKind, MarketState, Venue, VenueMarket


def market_of_clob(market: ClobMarket) -> VenueMarket:
    """A market known only by its condition id: enough to book fills and to trade; no league, no game, no title."""
    first, second = _assets(market)
    labels = {token.t: token.o for token in market.t}
    return VenueMarket(
        market_id=market_id_of(market.c),
        venue=Venue.POLYMARKET,
        native_id=market.c,
        event_id="",
        kind=MarketKind.OTHER,
        league="",
        title=market.c,
        yes_label=labels[first],
        no_label=labels[second],
        state=MarketState.OPEN if market.ao else MarketState.PAUSED,
        bands=bands(exact_micro_of(market.mts)),
        lot_u=SIZE_STEP_U,
        min_qty_u=exact_micro_of(market.mos),
        min_taker_usd_u=MARKETABLE_BUY_MIN_U,
        fees=_fees(market),
        taker_delay_ms=market.sd * 1000,
        clears_book_at_start=market.cbos,
        game_start_ms=parse_iso_ms(market.gst) if market.gst else None,
        routing=routing_text(Routing(first, second, version=market.v, neg_risk=market.nr)),
    )


def refreshed(market: VenueMarket, terms: ClobMarket, long: LongMarket) -> VenueMarket:
    """The market with what holds now; a move to the next protocol version brings its new asset ids along.

    Raises ProtocolError when the replies are about another market.
    """
    if {terms.c, long.condition_id} != {market.native_id}:
        raise ProtocolError(f"asked for {market.native_id}, told of another market", code="foreign_market")
    first, second = _assets(terms)
    routing = msgspec.structs.replace(routing_of(market), yes=first, no=second, version=terms.v, neg_risk=terms.nr)
    state, value_u = _state(market, routing, long)
    return msgspec.structs.replace(
        market,
        state=state,
        result=result_of(value_u),
        settlement_value_u=value_u,
        bands=bands(exact_micro_of(terms.mts)),
        min_qty_u=exact_micro_of(terms.mos),
        fees=_fees(terms),
        taker_delay_ms=terms.sd * 1000,
        clears_book_at_start=terms.cbos,
        game_start_ms=parse_iso_ms(terms.gst) if terms.gst else market.game_start_ms,
        routing=routing_text(routing),
    )


def _assets(market: ClobMarket) -> tuple[str, str]:
    """YES first. CTF tokens are derived from the condition; position ids end in the number of their outcome."""
    listed = {token.t for token in market.t}
    if market.v == "v1":
        assets = ids.token_ids(market.c, neg_risk=market.nr)
    else:
        by_outcome = {int(asset) & 0xFF: asset for asset in listed}
        assets = by_outcome.get(0, ""), by_outcome.get(1, "")
    if set(assets) != listed:
        raise ProtocolError(f"token ids of {market.c} do not follow from its condition", code="bad_ids")
    return assets


def _fees(market: ClobMarket) -> FeeSchedule:
    """No fee details: no fees."""
    if market.fd is None:
        return FeeSchedule(quantum_u=FEE_QUANTUM_U)
    rate_u = exact_micro_of(market.fd.r)
    return FeeSchedule(
        taker_rate_u=rate_u,
        maker_rate_u=0 if market.fd.to else rate_u,
        exponent=market.fd.e,
        quantum_u=FEE_QUANTUM_U,
    )


def _state(market: VenueMarket, routing: Routing, long: LongMarket) -> tuple[MarketState, int | None]:
    """`accepting_orders` stays true for hours after a game: a market we know to be closed stays closed."""
    winners = [token.token_id for token in long.tokens if token.winner]
    if long.closed and long.is_50_50_outcome:
        return MarketState.SETTLED, MICRO // 2
    if long.closed and len(winners) == 1:
        return MarketState.SETTLED, MICRO if winners == [routing.yes] else 0
    if long.closed or market.state is MarketState.CLOSED:
        return MarketState.CLOSED, None
    return (MarketState.OPEN if long.accepting_orders else MarketState.PAUSED), None
