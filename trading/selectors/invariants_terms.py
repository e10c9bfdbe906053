"""What a broken invariant is called."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """`code` is the invariant (INV-07), `words` say which rows and by how much."""

    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"
