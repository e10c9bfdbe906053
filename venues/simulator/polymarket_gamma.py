"""Gamma's objects: events and markets as metadata, with lists encoded as JSON strings and keys missing when unknown.

Prices here are as stale as production's: they are what a page shows, never what a book says. A postponed game loses
`gameStartTime` and its delay; an ended one says so long before its markets close. Source: polymarket/FACTS §4, §9.
"""

from __future__ import annotations

from typing import Any

import msgspec

from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_history import PriceHistory
from venues.simulator.polymarket_ids import NEG_RISK_ADAPTER, UMA_ADAPTER
from venues.simulator.polymarket_listing import Catalogue, EventListing, Listed, MarketListing, Sport, TeamListing
from venues.simulator.polymarket_market_frames import fee_schedule
from venues.simulator.polymarket_numbers import decimal_text, game_time, iso_time, json_number
from venues.types import MICRO, MarketState

Json = dict[str, Any]


class GammaObjects:
    def __init__(self, *, catalogue: Catalogue, books: BookReader, history: PriceHistory) -> None:
        self._catalogue = catalogue
        self._books = books
        self._history = history

    def event(self, event: EventListing, *, with_markets: bool = True) -> Json:
        listed = [Listed(event, market) for market in event.markets]
        volume_u = sum(self._books.market(each).traded_usd_u for each in listed)
        found: Json = {
            "id": event.id,
            "ticker": event.slug,
            "slug": event.slug,
            "title": event.title,
            "description": event.description,
            "resolutionSource": event.sport.resolution,
            "startDate": iso_time(event.listed_ms),
            "creationDate": iso_time(event.listed_ms),
            "endDate": iso_time(event.start_ms),
            "startTime": iso_time(event.start_ms),
            "eventDate": event.event_date,
            "active": True,
            "closed": self.is_closed(event),
            "archived": False,
            "new": False,
            "featured": False,
            "restricted": True,
            "volume": json_number(volume_u),
            "openInterest": json_number(sum(self._books.market(each).open_interest_u for each in listed)),
            "createdAt": iso_time(event.listed_ms),
            "updatedAt": iso_time(event.listed_ms),
            "enableOrderBook": True,
            "negRisk": event.is_neg_risk,
            "enableNegRisk": event.is_neg_risk,
            "negRiskAugmented": False,
            "seriesSlug": event.sport.series_slug,
            "series": [series(event.sport)],
            "tags": tags(event.sport),
            "gameId": event.game_id,
            "teams": [team(each, event.sport) for each in event.teams],
            "version": event.markets[0].version if event.markets else "v1",
        }
        if event.is_neg_risk:
            found["negRiskMarketID"] = event.markets[0].ids.neg_risk_market_id
        if with_markets:
            found["markets"] = [self.market(each) for each in listed]
        return found | self._progress(event)

    def _progress(self, event: EventListing) -> Json:
        """Score and period; `live` and `ended` are missing until something happened, as on the venue."""
        progress = self._catalogue.progress_of(event)
        found: Json = {"period": progress.period, "score": progress.score, "elapsed": progress.elapsed}
        if progress.period != "NS":
            found |= {"live": progress.live, "ended": progress.ended}
        if progress.finished_ms is not None:
            found["finishedTimestamp"] = iso_time(progress.finished_ms)
        return found

    def is_closed(self, event: EventListing) -> bool:
        return all(self._is_settled(Listed(event, market)) for market in event.markets)

    def market(self, listed: Listed) -> Json:
        """One market inside its event."""
        market = listed.market
        return self._identity(listed) | self._state(listed) | self._terms(listed) | self._fees(market)

    def market_with_event(self, listed: Listed) -> Json:
        """One market as /markets lists it: its event comes along without markets."""
        return self.market(listed) | {"events": [self.event(listed.event, with_markets=False)]}

    def _identity(self, listed: Listed) -> Json:
        event, market = listed.event, listed.market
        return {
            "id": market.id,
            "question": market.question,
            "conditionId": market.condition_id,
            "slug": market.slug,
            "resolutionSource": event.sport.resolution,
            "description": market.description,
            "outcomes": _json_text(market.outcomes),
            "clobTokenIds": _json_text(market.ids.token_ids),
            "positionIds": list(market.ids.position_ids),
            "questionID": market.ids.question_id,
            "startDate": iso_time(event.listed_ms),
            "endDate": iso_time(event.start_ms),
            "endDateIso": event.event_date,
            "createdAt": iso_time(event.listed_ms),
            "sportsMarketType": market.sports_market_type,
            "gameId": str(event.game_id),
            "version": market.version,
        } | _present(groupItemTitle=market.group_item_title, line=market.line)

    def _state(self, listed: Listed) -> Json:
        market = self._books.market(listed)
        price_u = self._history.price_u(listed)
        is_settled = market.state is MarketState.SETTLED
        found: Json = {
            "outcomePrices": _json_text([decimal_text(price_u), decimal_text(MICRO - price_u)]),
            "active": True,
            "closed": is_settled,
            "archived": False,
            "ready": False,
            "funded": False,
            "approved": True,
            "enableOrderBook": True,
            "acceptingOrders": self._books.has_book(listed),
            "acceptingOrdersTimestamp": iso_time(listed.event.listed_ms),
            "umaResolutionStatuses": "[]",
            "volume": decimal_text(market.traded_usd_u),
            "volumeNum": json_number(market.traded_usd_u),
        }
        found |= _present(bestBid=_number(market.best_bid_u), bestAsk=_number(market.best_ask_u))
        found |= _present(lastTradePrice=_number(market.last_price_u))
        if market.best_bid_u is not None and market.best_ask_u is not None:
            found["spread"] = json_number(market.best_ask_u - market.best_bid_u)
        if market.state in (MarketState.CLOSED, MarketState.DETERMINED):
            found |= {"umaResolutionStatus": "proposed", "umaResolutionStatuses": '["proposed"]'}
        if is_settled and market.settled_ms is not None:
            found |= {
                "umaResolutionStatus": "resolved",
                "closedTime": game_time(market.settled_ms),
                "umaEndDate": iso_time(market.settled_ms),
                "automaticallyResolved": True,
            }
        return found

    def _terms(self, listed: Listed) -> Json:
        market = listed.market
        start_ms = self._catalogue.progress_of(listed.event).start_ms
        terms: Json = {
            "orderPriceMinTickSize": json_number(self._books.tick_u(listed)),
            "orderMinSize": json_number(market.min_size_u),
            "secondsDelay": market.seconds_delay if start_ms is not None else 0,
            "clearBookOnStart": market.clears_book_at_start,
            "negRisk": market.is_neg_risk,
            "negRiskOther": False,
            "resolvedBy": NEG_RISK_ADAPTER if market.is_neg_risk else UMA_ADAPTER,
            "umaBond": "250",
            "umaReward": "0.8",
            "customLiveness": 0,
            "rewardsMinSize": 50,
            "rewardsMaxSpread": 4.5,
        }
        if start_ms is not None:
            terms["gameStartTime"] = game_time(start_ms)
        if market.is_neg_risk:
            terms["negRiskMarketID"] = market.ids.neg_risk_market_id
        return terms

    def _fees(self, market: MarketListing) -> Json:
        if not market.fee_rate_u:
            return {"feesEnabled": False}
        return {
            "feesEnabled": True,
            "feeType": market.fee_type,
            "feeSchedule": fee_schedule(market),
            "makerBaseFee": 1000,
            "takerBaseFee": 1000,
        }

    def _is_settled(self, listed: Listed) -> bool:
        return self._books.market(listed).state is MarketState.SETTLED


def team(listing: TeamListing, sport: Sport) -> Json:
    return {
        "id": listing.id,
        "name": listing.full_name or listing.name,
        "league": sport.code,
        "abbreviation": listing.abbreviation.lower(),
        "alias": listing.name,
        "providerId": listing.id,
        "color": listing.color,
        "ordering": listing.ordering,
    }


def sport_row(sport: Sport) -> Json:
    """A row of /sports; `tags` is a comma list in a string."""
    return {
        "id": sport.id,
        "sport": sport.code,
        "name": sport.name,
        "image": "",
        "resolution": sport.resolution,
        "ordering": sport.ordering,
        "tags": f"1,{sport.tag_id},100639",
        "primaryTagId": sport.tag_id,
        "series": str(sport.series_id),
        "createdAt": "2025-11-05T19:27:45.399303Z",
    }


def series(sport: Sport) -> Json:
    return {
        "id": str(sport.series_id),
        "ticker": sport.series_slug,
        "slug": sport.series_slug,
        "title": sport.name,
        "seriesType": "single",
        "recurrence": "daily",
        "active": True,
        "closed": False,
    }


def tags(sport: Sport) -> list[Json]:
    rows = ((1, "Sports", "sports"), (sport.tag_id, sport.name, sport.code), (100639, "Games", "games"))
    kind = (sport.kind_tag_id, sport.kind.title(), sport.kind)
    return [{"id": str(number), "label": label, "slug": slug} for number, label, slug in (*rows, kind)]


def _json_text(values: Any) -> str:
    """A list as Gamma writes it: JSON inside a string, with a blank after each comma."""
    return "[" + ", ".join(msgspec.json.encode(value).decode() for value in values) + "]"


def _present(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _number(value_u: int | None) -> float | int | None:
    return None if value_u is None else json_number(value_u)
