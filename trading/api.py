"""The API of the trader: bot, orders, positions, fills, decisions and settings of the signed-in user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core.api import ErrorSerializer
from trading import access
from trading.models import Decision, Fill, Order, Position, SportConfig
from trading.selectors import ledgers
from trading.selectors.status import bot_status
from trading.serializers import (
    BotStatusSerializer,
    DecisionSerializer,
    FillSerializer,
    OrderSerializer,
    PositionSerializer,
    SportConfigSerializer,
)
from trading.services.configs import sport_config_set
from trading.services.trader import trader_start, trader_stop


def user_of(request: Request) -> User:
    """The signed-in user as a row (a token gives a lazy one)."""
    return User.objects.get(pk=request.user.pk or 0)


class BotStatusView(APIView):
    @extend_schema(responses=BotStatusSerializer)
    def get(self, request: Request) -> Response:
        return Response(BotStatusSerializer(bot_status(user_of(request))).data)


class BotStartView(APIView):
    """Asks the trader to run; the answer is its status at this moment, and 202 because it starts in its own time."""

    @extend_schema(request=None, responses={202: BotStatusSerializer})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        trader_start(user=user, actor=user.email)
        return Response(BotStatusSerializer(bot_status(user)).data, status=202)


class BotStopView(APIView):
    """Asks the trader to take its orders off and stop. Positions stay."""

    @extend_schema(request=None, responses={202: BotStatusSerializer})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        trader_stop(user=user, actor=user.email)
        return Response(BotStatusSerializer(bot_status(user)).data, status=202)


class OfMarket(filters.FilterSet):  # type: ignore[misc]
    """`?market_id=kalshi:…`, on every list below."""

    market_id = filters.CharFilter(field_name="market__market_id")


class OrderFilter(OfMarket):
    class Meta:
        model = Order
        fields: ClassVar = ["status", "side", "outcome"]


class PositionFilter(OfMarket):
    class Meta:
        model = Position
        fields: ClassVar = ["is_open", "outcome"]


class FillFilter(OfMarket):
    class Meta:
        model = Fill
        fields: ClassVar = ["side", "outcome", "settle_state"]


class DecisionFilter(OfMarket):
    class Meta:
        model = Decision
        fields: ClassVar = ["verdict", "outcome", "reason"]


class OwnList(generics.ListAPIView[Any]):
    """A list of what the signed-in user owns: `selector(user)` is the only way to its rows."""

    selector: Callable[[User], QuerySet[Any]]

    def get_queryset(self) -> QuerySet[Model]:
        return self.selector(user_of(self.request))


class OrderListView(OwnList):
    """Newest first."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    selector = staticmethod(ledgers.orders_of)


class OrderDetailView(generics.RetrieveAPIView[Order]):
    queryset = Order.objects.none()
    serializer_class = OrderSerializer

    def get_object(self) -> Order:
        return access.get_order_for(user_of(self.request), self.kwargs["uid"])


class PositionListView(OwnList):
    """Newest first; `?is_open=true` for those held now."""

    queryset = Position.objects.none()
    serializer_class = PositionSerializer
    filterset_class = PositionFilter
    selector = staticmethod(ledgers.positions_of)


class FillListView(OwnList):
    """Newest first."""

    queryset = Fill.objects.none()
    serializer_class = FillSerializer
    filterset_class = FillFilter
    selector = staticmethod(ledgers.fills_of)


class DecisionListView(OwnList):
    """Why it acted and why it did not, newest first."""

    queryset = Decision.objects.none()
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilter
    selector = staticmethod(ledgers.decisions_of)


class SportConfigListView(generics.ListAPIView[SportConfig]):
    queryset = SportConfig.objects.none()
    serializer_class = SportConfigSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[SportConfig]:
        return SportConfig.objects.filter(user=user_of(self.request))


class SportConfigView(APIView):
    """Change a league's settings: only what is given changes."""

    @extend_schema(
        request=SportConfigSerializer,
        responses={200: SportConfigSerializer, 400: ErrorSerializer, 409: ErrorSerializer},
    )
    def patch(self, request: Request, league: str) -> Response:
        asked = SportConfigSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changes = dict(asked.validated_data)
        version = changes.pop("version", None)
        user = user_of(request)
        row = sport_config_set(user=user, league=league, changes=changes, actor=user.email, version=version)
        return Response(SportConfigSerializer(row).data)
