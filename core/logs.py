"""One log for everything: structlog events and the records of libraries take the same road and the same redaction.

Invariant: no value under a secret's name, and no text that looks like a key or a token, reaches a handler.
"""

from __future__ import annotations

import logging
import logging.config
import logging.handlers
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "***"
_SECRET_NAME = re.compile(
    r"pass(word|phrase)|secret|token|authorization|cookie|private_?key|api_?key|signature|credential|session(id|_key)",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"  # a JWT
    r"|(?<=Bearer )\S+"
    r"|(?<![0-9a-fA-F])0x[0-9a-fA-F]{64}(?![0-9a-fA-F])",  # a wallet's key has the shape of an order hash: hide both
    re.DOTALL,
)


_PUBLIC_NAMES = frozenset({"market", "market_id", "game_id", "order", "order_id"})
"""Ids that may have the shape of a wallet's key: a Polymarket market and order are named by such a hash."""

_QUIET = (
    "asyncio",
    "axes",
    "celery",
    "daphne",
    "django_celery_beat",
    "django_structlog",
    "httpcore",
    "httpx",
    "kombu",
    "uvicorn",
    "websockets",
)
"""Libraries that tell of every request or task: only their warnings are kept."""


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor: masks by name and by shape, through nested mappings and sequences."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if name in _PUBLIC_NAMES:
        return value
    if _SECRET_NAME.search(name) and value not in (None, "", True, False):
        return REDACTED
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REDACTED, value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {key: _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    return value


def configure_logging(*, level: str, as_json: bool) -> None:
    """Set up structlog and the standard library's logging; called once, by the settings."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_dict_config(level=level, as_json=as_json, shared=shared))


def log_to_file(path: Path, *, console_level: str) -> None:
    """From now on everything goes to `path` (two files of 10 MB), and only what is at `console_level` to stderr."""
    root = logging.getLogger()
    file = logging.handlers.RotatingFileHandler(path, maxBytes=10_000_000, backupCount=1, encoding="utf-8")
    for handler in root.handlers:
        file.setFormatter(handler.formatter)
        handler.setLevel(console_level)
    root.addHandler(file)


def _dict_config(*, level: str, as_json: bool, shared: list[Processor]) -> dict[str, Any]:
    # Plain tracebacks: the pretty ones print local variables, and those may hold a key.
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    renderer: Processor = structlog.processors.JSONRenderer() if as_json else console
    finish: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        finish.append(structlog.processors.format_exc_info)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [*finish, redact, renderer],
        "foreign_pre_chain": shared,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structlog": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in _QUIET},
    }
