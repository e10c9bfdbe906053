"""/api/auth/*: register, login, refresh, logout, me."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from accounts import services, tokens
from core.api import ErrorSerializer


class RegisterSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    display_name = serializers.CharField(max_length=80, required=False, default="")


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)
    code = serializers.CharField(max_length=16, required=False, default="", help_text="Second factor, where set up.")


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class TokensSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class UserSerializer(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    email = serializers.EmailField()
    display_name = serializers.CharField()
    created_at = serializers.DateTimeField()


class OpenView(APIView):
    """Needs no login; counted per address against guessing."""

    permission_classes = [AllowAny]
    authentication_classes = []
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "auth"


class RegisterView(OpenView):
    @extend_schema(
        request=RegisterSerializer, responses={201: UserSerializer, 400: ErrorSerializer, 409: ErrorSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = RegisterSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = services.user_register(**asked.validated_data)
        return Response(UserSerializer(user).data, status=201)


class LoginView(OpenView):
    """`{"email", "password"}` → `{"access", "refresh"}`; 401 `mfa_required` asks for `code` as well."""

    @extend_schema(
        request=LoginSerializer, responses={200: TokensSerializer, 401: ErrorSerializer, 429: ErrorSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = LoginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pair = tokens.sign_in(request._request, **asked.validated_data)
        return Response(TokensSerializer(pair).data)


class RefreshView(OpenView):
    """A refresh token is good once; the answer carries the next one."""

    @extend_schema(request=RefreshSerializer, responses={200: TokensSerializer, 401: ErrorSerializer})
    def post(self, request: Request) -> Response:
        asked = RefreshSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(TokensSerializer(tokens.renew(asked.validated_data["refresh"])).data)


class LogoutView(APIView):
    """Ends the session behind the token: access and refresh are worth nothing afterwards."""

    @extend_schema(request=None, responses={204: None, 401: ErrorSerializer})
    def post(self, request: Request) -> Response:
        tokens.sign_out(request._request)
        return Response(status=204)


class MeView(APIView):
    @extend_schema(responses={200: UserSerializer, 401: ErrorSerializer})
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)
