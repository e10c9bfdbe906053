"""The replay in this process runs on a database of the engine's kind."""

from __future__ import annotations

from tests.trading.engine.conftest import shared_database

__all__ = ["shared_database"]
