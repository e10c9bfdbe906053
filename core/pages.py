"""What all pages share: who may open one, how a refusal looks, lists in slices, and pages whose parts are live.

A live page is read twice, by its view and by its socket, through the same object: `rows()` asks the database,
`context()` joins the rows with the latest payloads of the page's topics. Each part of the page is one element with an
id and one template. Invariant: the parts depend on rows and payloads alone, so what a socket sends after any number of
changes is what a fresh page would show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from core import live
from core.errors import DomainError, NotFound

Row = TypeVar("Row")
Json = dict[str, Any]
Payloads = Mapping[str, Json | None]
View = Callable[..., HttpResponse]

PAGE_SIZE = 50
LAST_PAGE = 1_000


def page(view: View) -> View:
    """Signed-in people only; what a service refuses is a page that says so."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as problem:
            return refusal(request, problem)

    return login_required(answer)


def refusal(request: HttpRequest, problem: DomainError) -> HttpResponse:
    """The page of a `DomainError`, with its status."""
    template = "404.html" if isinstance(problem, NotFound) else "refused.html"
    return render(request, template, {"problem": problem}, status=problem.status)


# --- lists ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page of a list, without the price of counting all of it."""

    rows: list[Row]
    number: int
    has_next: bool

    @property
    def newer(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def older(self) -> int | None:
        return self.number + 1 if self.has_next else None


def slice_of(rows: QuerySet[Any, Row], number: int, *, size: int = PAGE_SIZE) -> Slice[Row]:
    """Page `number` (from 1) of the rows."""
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    return Slice(found[:size], number, len(found) > size)


def page_number(query: Mapping[str, str]) -> int:
    """`?page=` as a number within reason; anything else is the first page."""
    asked = query.get("page", "1")
    return min(max(int(asked), 1), LAST_PAGE) if asked.isdecimal() and len(asked) <= 6 else 1


# --- live pages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a page that changes by itself: its id, its template and the topics it shows."""

    id: str
    template: str
    topics: frozenset[str]


ROWS = "rows"
PULSE = Part("pulse", "live/pulse.html", frozenset())
DESK_STRIP = Part("desk", "live/desk.html", frozenset({"desk"}))


class LivePage(Protocol):
    """`topics`: what the page calls a topic → its name on the channel layer. Built for one user, who may see it."""

    @property
    def parts(self) -> tuple[Part, ...]: ...

    @property
    def topics(self) -> dict[str, str]: ...

    def rows(self) -> Json:
        """What the database says; asked again when `rows_key` changes. Raises NotFound."""
        ...

    def rows_key(self, payloads: Payloads) -> object:
        """Changes when the rows may have."""
        ...

    def context(self, rows: Json, payloads: Payloads) -> Json:
        """What the parts' templates are given."""
        ...


class Shown:
    """What one open page shows: rows, payloads, and what was already sent of it."""

    def __init__(self, page: LivePage) -> None:
        self._page = page
        self._kinds = {topic: kind for kind, topic in page.topics.items()}
        self.payloads: dict[str, Json | None] = {kind: live.latest(topic) for kind, topic in page.topics.items()}
        self._rows = page.rows()
        self._rows_key = page.rows_key(self.payloads)
        self._sent: dict[str, bytes] = {}
        self._changed = {ROWS, *page.topics}
        self._is_event = False

    def context(self) -> Json:
        """For the first rendering, by the view."""
        whole = self._page.context(self._rows, self.payloads)
        return {**whole, "desk": self.payloads.get("desk"), "pulse": self._pulse()}

    def take(self, topic: str, payload: Json) -> None:
        """A new payload. It is whole, so one that was lost before it (a gap in `seq`) leaves nothing out."""
        kind = self._kinds[topic]
        self.payloads[kind] = payload
        self._changed.add(kind)
        self._is_event = True

    def html(self) -> str:
        """The parts that changed since they were last sent, each wrapped for an out-of-band swap, and the pulse."""
        self._refresh_rows()
        context = self.context()
        parts = (*self._page.parts, DESK_STRIP)
        wanted = [part for part in parts if not self._sent or part.topics & self._changed]
        self._changed.clear()
        return "".join([self._if_new(part, context) for part in wanted] + [_swap(PULSE, render_part(PULSE, context))])

    def _refresh_rows(self) -> None:
        key = self._page.rows_key(self.payloads)
        if key != self._rows_key:
            self._rows, self._rows_key = self._page.rows(), key
            self._changed.add(ROWS)

    def _if_new(self, part: Part, context: Json) -> str:
        html = render_part(part, context)
        digest = blake2b(html.encode(), digest_size=16).digest()
        if self._sent.get(part.id) == digest:
            return ""
        self._sent[part.id] = digest
        return _swap(part, html)

    def _pulse(self) -> Json:
        """The age of the page: the newest payload's time, and whether it came by itself or from the cache."""
        known = [payload for payload in self.payloads.values() if payload is not None]
        newest = max(known, key=lambda payload: int(payload["at_ms"]), default=None)
        return {"payload": newest, "is_event": self._is_event}


def render_part(part: Part, context: Json) -> str:
    return render_to_string(part.template, context)


def live_page(request: HttpRequest, template: str, shown: LivePage, **extra: Any) -> HttpResponse:
    """The whole page as it is now."""
    return render(request, template, {**Shown(shown).context(), **extra})


def _swap(part: Part, html: str) -> str:
    return f'<div id="{part.id}" hx-swap-oob="innerHTML">{html}</div>'
