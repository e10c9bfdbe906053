"""Read model of the alerts page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import live
from core.pages import ROWS, Json, Part, Payloads, page_number, slice_of
from notifications.selectors import alerts_of


class AlertsPage:
    """Newest first. Rows are read again whenever the trader says that rows changed."""

    parts = (Part("alerts", "notifications/parts/alerts.html", frozenset({ROWS})),)

    def __init__(self, user: Any, query: Mapping[str, str]) -> None:
        self._user, self._query = user, query
        self.topics = {"desk": live.desk_topic(user.uid)}

    def rows(self) -> Json:
        page = slice_of(alerts_of(self._user), page_number(self._query))
        return {"page": page, "alerts": page.rows}

    def rows_key(self, payloads: Payloads) -> object:
        desk = payloads["desk"]
        return desk["rows_seq"] if desk else None

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return rows
