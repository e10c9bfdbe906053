"""Seeds that are played in every run of the suite: those that once found something, for ever, and a few others."""

from __future__ import annotations

KEPT = (3, 4, 6, 12)
