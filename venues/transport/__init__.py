"""The wire: one HTTP transport, one rate limiter, one reconnecting socket for every venue and feed."""

from __future__ import annotations
