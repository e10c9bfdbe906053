"""Settings from the environment: what is empty counts as not set, what cannot be read is told in a sentence.

`.env.example` copied as it is is therefore a valid environment, and a typing error never becomes a default.
"""

from __future__ import annotations

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset(environ.Env.BOOLEAN_TRUE_STRINGS)
_FALSE = frozenset({"false", "off", "n", "no", "0"})
_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


class Environment(environ.Env):  # type: ignore[misc]
    """The readers of `environ.Env` (`str`, `int`, `list` …), stricter. All raise ImproperlyConfigured."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        given = self.ENVIRON.get(var, "").strip()
        if not given and default is not self.NOTSET:
            return default
        if cast is bool and given.lower() not in _TRUE | _FALSE:
            raise ImproperlyConfigured(f"{var} is '{given}'; it must be true or false.")
        try:
            return super().get_value(var, cast=cast, default=default, parse_default=parse_default)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} is '{given}'; it must be a whole number.") from error

    def one_of(self, var: str, choices: tuple[str, ...], *, default: str) -> str:
        value: str = self.str(var, default=default)
        if value not in choices:
            raise ImproperlyConfigured(f"{var} is '{value}'; it must be {', '.join(choices[:-1])} or {choices[-1]}.")
        return value

    def database(self, var: str, *, default: str) -> dict[str, Any]:
        """Django's entry for a database URL; its words are not repeated in an error: a password may be among them."""
        try:
            config: dict[str, Any] = dict(self.db_url(var, default=default))
        except (ImproperlyConfigured, ValueError):
            config = {}
        if config.get("ENGINE") not in _ENGINES:
            raise ImproperlyConfigured(
                f"{var} is no database URL: write postgres://user:password@host:5432/name or sqlite:////path/to/file,"
                " or leave it empty for SQLite in the data folder."
            )
        return config
