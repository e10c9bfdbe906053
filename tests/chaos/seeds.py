"""Seeds that are played in every run of the suite: rich ones, and those that once found something, for ever."""

from __future__ import annotations

KEPT = (4, 21, 46, 260)
"""21: a late order's fill came after the word of its end. 46: a book that was left behind. 260: an exit that the venue
cut to what was held and then called filled. 4: much of everything."""
