"""A secret in memory that cannot be printed, logged, formatted, pickled or put into JSON by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds text or bytes; `reveal()` is the one way out, and easy to search for."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def reveal_text(self) -> str:
        return self._value.decode()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")

    def __iter__(self) -> NoReturn:
        raise TypeError("secrets are not iterated")
