"""ESPN's public scoreboards as one game feed. No key, no orders: it only says how games stand."""

from __future__ import annotations
