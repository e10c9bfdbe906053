"""The sockets of the trader's pages, one for each read model."""

from __future__ import annotations

from core.consumers import PageConsumer
from trading.selectors import pages
from trading.selectors.game_page import GamePage


class DashboardConsumer(PageConsumer):
    page = pages.DashboardPage


class GameConsumer(PageConsumer):
    page = GamePage


class PositionsConsumer(PageConsumer):
    page = pages.PositionsPage


class OrdersConsumer(PageConsumer):
    page = pages.OrdersPage


class OrderConsumer(PageConsumer):
    page = pages.OrderPage


class FillsConsumer(PageConsumer):
    page = pages.FillsPage


class DecisionsConsumer(PageConsumer):
    page = pages.DecisionsPage
