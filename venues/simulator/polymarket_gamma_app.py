"""Gamma's application: discovery by keyset, the legacy lists, single objects, leagues, teams, tags, search.

Unknown parameters are ignored without a word; `offset` on a keyset list and a far offset on a legacy one are 422.
Source: polymarket/FACTS §4.1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_gamma import GammaObjects, series, sport_row, tags, team
from venues.simulator.polymarket_gate import Gate
from venues.simulator.polymarket_listing import Catalogue, EventListing, Listed
from venues.simulator.polymarket_sports import SPORTS
from venues.types import MarketState

MAX_LIMIT = 100
MAX_OFFSET = 2_000
MARKET_TYPES = ("moneyline", "spreads", "totals", "first_half_moneyline", "first_half_spreads", "first_half_totals")

EventFilter = Callable[[EventListing, str], bool]
MarketFilter = Callable[[Listed, str], bool]


class GammaApp:
    def __init__(self, *, catalogue: Catalogue, books: BookReader, objects: GammaObjects, gate: Gate) -> None:
        self._catalogue = catalogue
        self._books = books
        self._objects = objects
        self._gate = gate
        self._event_filters: Mapping[str, EventFilter] = {
            "id": lambda event, text: event.id == text,
            "slug": lambda event, text: event.slug == text,
            "game_id": lambda event, text: str(event.game_id) == text,
            "series_id": lambda event, text: str(event.sport.series_id) == text,
            "tag_id": lambda event, text: any(tag["id"] == text for tag in tags(event.sport)),
            "tag_slug": lambda event, text: any(tag["slug"] == text for tag in tags(event.sport)),
            "event_date": lambda event, text: event.event_date == text,
            "title_search": lambda event, text: text.lower() in event.title.lower(),
            "closed": lambda event, text: objects.is_closed(event) == _is_true(text),
            "live": lambda event, text: catalogue.progress_of(event).live == _is_true(text),
            "ended": lambda event, text: catalogue.progress_of(event).ended == _is_true(text),
            "start_time_min": lambda event, text: event.start_ms >= _milliseconds(text),
            "start_time_max": lambda event, text: event.start_ms <= _milliseconds(text),
        }
        self._market_filters: Mapping[str, MarketFilter] = {
            "id": lambda listed, text: listed.market.id == text,
            "slug": lambda listed, text: listed.market.slug == text,
            "condition_ids": lambda listed, text: listed.market.condition_id == text,
            "question_ids": lambda listed, text: listed.market.ids.question_id == text,
            "clob_token_ids": lambda listed, text: text in listed.market.ids.token_ids,
            "position_ids": lambda listed, text: text in listed.market.ids.position_ids,
            "sports_market_types": lambda listed, text: listed.market.sports_market_type == text,
            "version": lambda listed, text: listed.market.version == text,
            "game_id": lambda listed, text: str(listed.event.game_id) == text,
            "tag_id": lambda listed, text: any(tag["id"] == text for tag in tags(listed.event.sport)),
            "closed": lambda listed, text: (books.market(listed).state is MarketState.SETTLED) == _is_true(text),
        }

    def router(self) -> Router:
        router = Router(not_found=json_reply({"type": "not found error", "error": "not found"}, 404))
        paths: Mapping[str, Callable[[Request], Any]] = {
            "/events/keyset": self._events_keyset,
            "/markets/keyset": self._markets_keyset,
            "/events": self._events,
            "/markets": self._markets,
            "/events/slug/{slug}": lambda request: self._event(request, "slug"),
            "/events/{id}": lambda request: self._event(request, "id"),
            "/markets/slug/{slug}": lambda request: self._market(request, "slug"),
            "/markets/{id}": lambda request: self._market(request, "id"),
            "/sports": lambda request: [sport_row(each) for each in SPORTS.values()],
            "/sports/market-types": lambda request: {"marketTypes": list(MARKET_TYPES)},
            "/teams": self._teams,
            "/tags": lambda request: self._tags(),
            "/tags/slug/{slug}": self._tag,
            "/series": lambda request: [series(each) for each in SPORTS.values()][: _limit(request, 50)],
            "/public-search": self._search,
        }
        for path, handler in paths.items():
            router.get(path, self._guarded(path, handler))
        return router

    def _guarded(self, path: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        through = self._gate.public(f"gamma{path}", handler)

        async def answer(request: Request) -> Reply:
            try:
                return await through(request)
            except _BadQuery as problem:
                return json_reply({"type": "validation error", "error": str(problem)}, 422)
            except _Missing:
                return json_reply({"type": "not found error", "error": "id not found"}, 404)

        return answer

    def _events_keyset(self, request: Request) -> dict[str, Any]:
        found = self._chosen_events(request, closed="false")
        rows, cursor = _keyset_page(found, request)
        with_markets = request.one("include_markets", "true") != "false"
        events = [self._objects.event(each, with_markets=with_markets) for each in rows]
        return {"events": events} | cursor

    def _markets_keyset(self, request: Request) -> dict[str, Any]:
        rows, cursor = _keyset_page(self._chosen_markets(request, closed="false"), request)
        return {"markets": [self._objects.market_with_event(each) for each in rows]} | cursor

    def _events(self, request: Request) -> list[dict[str, Any]]:
        return [self._objects.event(each) for each in _offset_page(self._chosen_events(request), request)]

    def _markets(self, request: Request) -> list[dict[str, Any]]:
        return [self._objects.market_with_event(each) for each in _offset_page(self._chosen_markets(request), request)]

    def _chosen_events(self, request: Request, *, closed: str = "") -> list[EventListing]:
        wanted = _wanted(request, self._event_filters, closed)
        events = [each for each in self._catalogue.events.values() if _passes(each, self._event_filters, wanted)]
        if request.one("order") in ("startTime", "start_time", "startDate", "endDate"):
            events.sort(key=lambda each: each.start_ms, reverse=not _is_true(request.one("ascending", "true")))
        return events

    def _chosen_markets(self, request: Request, *, closed: str = "") -> list[Listed]:
        wanted = _wanted(request, self._market_filters, closed)
        return [each for each in self._catalogue.markets() if _passes(each, self._market_filters, wanted)]

    def _event(self, request: Request, name: str) -> dict[str, Any]:
        for event in self._catalogue.events.values():
            if self._event_filters[name](event, request.params[name]):
                return self._objects.event(event)
        raise _Missing

    def _market(self, request: Request, name: str) -> dict[str, Any]:
        for listed in self._catalogue.markets():
            if self._market_filters[name](listed, request.params[name]):
                return self._objects.market_with_event(listed)
        raise _Missing

    def _teams(self, request: Request) -> list[dict[str, Any]]:
        found = {
            (each.id, event.sport.code): team(each, event.sport)
            for event in self._catalogue.events.values()
            for each in event.teams
        }
        rows = [row for row in found.values() if _matches(request, row, ("league", "abbreviation", "name"))]
        return _offset_page(rows, request)

    def _tags(self) -> list[dict[str, Any]]:
        return list({tag["id"]: tag for sport in SPORTS.values() for tag in tags(sport)}.values())

    def _tag(self, request: Request) -> dict[str, Any]:
        for tag in self._tags():
            if tag["slug"] == request.params["slug"]:
                return tag
        raise _Missing

    def _search(self, request: Request) -> dict[str, Any]:
        text = request.one("q").lower()
        if not text:
            raise _BadQuery("q is required")
        found = [each for each in self._catalogue.events.values() if text in f"{each.title} {each.slug}".lower()]
        shown = found[: _limit(request, 10, name="limit_per_type")]
        return {
            "events": [self._objects.event(each) for each in shown],
            "tags": [tag for tag in self._tags() if text in tag["label"].lower()],
            "profiles": None,
            "pagination": {"hasMore": len(shown) < len(found), "totalResults": len(found)},
        }


class _BadQuery(Exception):
    """A parameter the venue refuses."""


class _Missing(Exception):
    """No such object."""


def _wanted(request: Request, filters: Mapping[str, Any], closed: str) -> dict[str, list[str]]:
    wanted = {name: request.many(name) for name in filters if request.one(name)}
    if closed and "closed" not in wanted and not wanted.keys() & {"id", "slug", "condition_ids", "clob_token_ids"}:
        wanted["closed"] = [closed]
    return wanted


def _passes(row: Any, filters: Mapping[str, Callable[[Any, str], bool]], wanted: Mapping[str, list[str]]) -> bool:
    """Values of one parameter are alternatives, parameters add up."""
    return all(any(filters[name](row, text) for text in texts) for name, texts in wanted.items())


def _keyset_page(rows: list[Any], request: Request) -> tuple[list[Any], dict[str, str]]:
    if request.one("offset"):
        raise _BadQuery("offset is not supported, use after_cursor")
    start, limit = _cursor_start(request.one("after_cursor")), _limit(request, 20)
    if start + limit >= len(rows):
        return rows[start:], {}
    following = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
    return rows[start : start + limit], {"next_cursor": following}


def _cursor_start(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except (binascii.Error, ValueError) as problem:
        raise _BadQuery("invalid cursor") from problem


def _offset_page(rows: list[Any], request: Request) -> list[Any]:
    offset = int(request.one("offset", "0")) if request.one("offset", "0").isdecimal() else -1
    if not 0 <= offset <= MAX_OFFSET:
        raise _BadQuery("invalid offset")
    return rows[offset : offset + _limit(request, 20)]


def _limit(request: Request, default: int, *, name: str = "limit") -> int:
    text = request.one(name, str(default))
    if not text.isdecimal():
        raise _BadQuery(f"invalid {name}")
    return min(int(text), MAX_LIMIT)


def _matches(request: Request, row: Mapping[str, Any], names: Iterable[str]) -> bool:
    return all(not request.one(name) or row[name] in request.many(name) for name in names)


def _is_true(text: str) -> bool:
    return text.lower() in ("true", "1")


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as problem:
        raise _BadQuery("invalid time") from problem
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
