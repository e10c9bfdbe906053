"""The WebSocket addresses: those of every app that has a `routing` module."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

APPS = ("accounts", "markets", "trading", "risk", "notifications")


def websocket_urlpatterns() -> list[Any]:
    """The `websocket_urlpatterns` of every app that has them."""
    modules = [f"{app}.routing" for app in APPS]
    return [pattern for name in modules if find_spec(name) for pattern in import_module(name).websocket_urlpatterns]
