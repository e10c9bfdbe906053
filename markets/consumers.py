"""The socket of the list of games."""

from __future__ import annotations

from core.consumers import PageConsumer
from markets.selectors_pages import GamesPage


class GamesConsumer(PageConsumer):
    page = GamesPage
