"""What a venue does by itself, at the control port: results, money that comes and goes, terms that change.

    POST /events {"event": "result", "venue": "kalshi", "market": "KX…", "value_u": 1000000, "settle_ms": 0}
    POST /events {"event": "correction", "venue": "kalshi", "market": "KX…", "value_u": 0}
    POST /events {"event": "money", "venue": "kalshi", "account": "…", "amount_u": -5000000, "shard": 0}
    POST /events {"event": "grid", "venue": "polymarket", "market": "0x…", "step_u": 1000}
    POST /events {"event": "fee", "venue": "kalshi", "market": "KX…", "taker_rate_u": 140000}

`value_u` is what one YES contract pays, in µUSD: 1000000 YES, 0 NO, 500000 a void game, anything between a scalar.
A correction pays a settled market as if that had been its result. Money is a deposit, or with a minus a withdrawal, on
the venue's own page. A grid is the price step of the whole book; orders that rest keep their price. A fee is what the
venue charges from now on, in millionths, while its listing goes on telling the old one.
"""

from __future__ import annotations

import msgspec

from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_terms import ExchangeReject, FeeSpec, MarketSpec
from venues.simulator.world_assembly import Assembly
from venues.types import MICRO, PriceBand, Venue


class _Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"):
    venue: Venue


class Result(_Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="result"):
    """`settle_ms`: how long after it the money comes; None leaves it to the market."""

    market: str
    value_u: int
    settle_ms: int | None = None


class Correction(_Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="correction"):
    market: str
    value_u: int


class Money(_Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="money"):
    account: str
    amount_u: int
    shard: int = 0


class Grid(_Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="grid"):
    market: str
    step_u: int


class Fee(_Event, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="fee"):
    market: str
    taker_rate_u: int
    maker_rate_u: int = 0


Event = Result | Correction | Money | Grid | Fee
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class BadEvent(ValueError):
    """A wish for what cannot be; the message says why."""


class EventDesk:
    """`happen` is the way in for a simulation without sockets."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def add_routes(self, router: Router) -> None:
        router.route("POST", "/events", self.take)

    def take(self, request: Request) -> Reply:
        try:
            self.happen(_DECODER.decode(request.body))
        except (msgspec.MsgspecError, BadEvent, ExchangeReject) as problem:
            return json_reply({"error": str(problem)}, 400)
        return json_reply({"now_ms": self._assembly.now_ms()}, 201)

    def happen(self, event: Event) -> None:
        """Now. Raises BadEvent, ExchangeReject; then nothing happened."""
        exchange, now_ms = self._assembly.builder.exchanges[event.venue], self._assembly.now_ms()
        match event:
            case Money(account=account, amount_u=amount_u, shard=shard):
                _move_money(exchange, account, amount_u, shard=shard, now_ms=now_ms)
            case Correction(venue=venue, market=native_id, value_u=value_u):
                if venue is not Venue.KALSHI:
                    raise BadEvent("polymarket pays on chain: what was redeemed stays so")
                exchange.correct(native_id, value_u, now_ms)
            case Result(market=native_id, value_u=value_u, settle_ms=settle_ms):
                spec = exchange.market(native_id).spec
                if settle_ms is not None:
                    spec = msgspec.structs.replace(spec, settle_timer_ms=max(0, settle_ms))
                    exchange.update_terms(_disarmed(spec, now_ms), now_ms)
                exchange.determine(native_id, value_u, now_ms)
            case Grid(market=native_id, step_u=step_u):
                if step_u <= 0 or MICRO % step_u:
                    raise BadEvent("step_u divides a dollar: 10000, 1000, 100 …")
                spec = msgspec.structs.replace(exchange.market(native_id).spec, bands=(PriceBand(0, MICRO, step_u),))
                exchange.update_terms(_disarmed(spec, now_ms), now_ms)
            case Fee(market=native_id, taker_rate_u=taker_rate_u, maker_rate_u=maker_rate_u):
                if not (0 <= taker_rate_u <= MICRO and 0 <= maker_rate_u <= MICRO):
                    raise BadEvent("rates are millionths: 0 to 1000000")
                spec = exchange.market(native_id).spec
                fee = FeeSpec(taker_rate_u, maker_rate_u, spec.fee.exponent)
                exchange.update_terms(_disarmed(msgspec.structs.replace(spec, fee=fee), now_ms), now_ms)


def _move_money(exchange: Exchange, account: str, amount_u: int, *, shard: int, now_ms: int) -> None:
    if not amount_u:
        raise BadEvent("amount_u is what comes in, in µUSD, or with a minus what goes out")
    if amount_u > 0:
        exchange.deposit(account, amount_u, shard=shard, now_ms=now_ms)
    else:
        exchange.withdraw(account, -amount_u, shard=shard, now_ms=now_ms)


def _disarmed(spec: MarketSpec, now_ms: int) -> MarketSpec:
    """A start that is past must not be armed again: new terms would wipe the book in play."""
    is_past = spec.game_start_ms is not None and spec.game_start_ms <= now_ms
    return msgspec.structs.replace(spec, clears_book_at_start=spec.clears_book_at_start and not is_past)
