"""The faults by name: for each row of the matrix, which of the three questions it answers and with what.

Pure. The names are what the control port takes and what `Disturbance.fault` tells. Sources: ORDERS §5.3 and §5.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from venues.simulator.faults import Call, Disturbance, Spoil, Trick

ELSEWHERE = "http://elsewhere.invalid/"
_TEXT = "text/html; charset=UTF-8"
_STATUSES = (500, 502, 503, 504)
_REDIRECTS = (301, 302, 307, 308)


class Phase(StrEnum):
    """Which question of the seam a fault answers."""

    BEFORE = "before"
    AFTER = "after"
    FRAME = "frame"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may say besides the name of its fault; 0 and "" leave the fault's own values."""

    delay_ms: int = 0
    skew_ms: int = 0
    status: int = 0
    code: str = ""
    retry_after: str = ""
    location: str = ""


class Kind(msgspec.Struct, frozen=True):
    phase: Phase
    disturbance: Disturbance
    only_fills: bool = False
    """Strikes only what tells of a fill: fill frames (FRAME) or reads of fills (AFTER)."""


def _status_kinds() -> dict[str, Kind]:
    kinds = {}
    for status in _STATUSES:
        kinds[f"{status}_before"] = Kind(
            Phase.BEFORE, Disturbance(status=status, body=_page(status), content_type=_TEXT)
        )
        kinds[f"{status}_after"] = Kind(Phase.AFTER, Disturbance(status=status, body=_page(status), content_type=_TEXT))
    for status in _REDIRECTS:
        kinds[f"redirect_{status}"] = Kind(Phase.BEFORE, Disturbance(status=status, headers={"Location": ELSEWHERE}))
    return kinds


def _spoil_kinds() -> dict[str, Kind]:
    return {spoil.value: Kind(Phase.AFTER, Disturbance(spoil=spoil)) for spoil in Spoil if spoil is not Spoil.NONE}


def _frame_kinds() -> dict[str, Kind]:
    kinds = {f"frame_{t.value}": Kind(Phase.FRAME, Disturbance(trick=t)) for t in Trick if t is not Trick.NONE}
    spoils = (
        Spoil.TRUNCATED,
        Spoil.WRONG_TYPE,
        Spoil.NAN,
        Spoil.QUOTED_NAN,
        Spoil.HTML,
        Spoil.DUPLICATE_KEYS,
        Spoil.EMPTY,
    )
    kinds |= {f"frame_{spoil.value}": Kind(Phase.FRAME, Disturbance(spoil=spoil)) for spoil in spoils}
    kinds["frame_drop"] = Kind(Phase.FRAME, Disturbance(drop=True))
    kinds["frame_skewed"] = Kind(Phase.FRAME, Disturbance(skew_ms=1_500))
    kinds["frame_late"] = Kind(Phase.FRAME, Disturbance(delay_ms=1_000))
    return kinds


def _page(status: int) -> bytes:
    return b"<html><head><title>%d</title></head><body>upstream trouble</body></html>" % status


KINDS: Mapping[str, Kind] = {
    "refuse": Kind(Phase.BEFORE, Disturbance(refuse=True)),
    "swallow": Kind(Phase.BEFORE, Disturbance(swallow=True)),
    "drop_before": Kind(Phase.BEFORE, Disturbance(drop=True)),
    "hold": Kind(Phase.BEFORE, Disturbance(delay_ms=5_000)),
    "accept_then_drop": Kind(Phase.AFTER, Disturbance(drop=True)),
    "accept_then_swallow": Kind(Phase.AFTER, Disturbance(swallow=True)),
    "delay_reply": Kind(Phase.AFTER, Disturbance(delay_ms=5_000)),
    "drip": Kind(Phase.AFTER, Disturbance(drip_ms=1_000)),
    "429": Kind(Phase.BEFORE, Disturbance(status=429)),
    "429_ra": Kind(Phase.BEFORE, Disturbance(status=429, headers={"Retry-After": "1"})),
    "429_after": Kind(Phase.AFTER, Disturbance(status=429)),
    "401": Kind(Phase.BEFORE, Disturbance(status=401)),
    "403": Kind(Phase.BEFORE, Disturbance(status=403)),
    "425": Kind(Phase.BEFORE, Disturbance(status=425)),
    "refusal": Kind(Phase.BEFORE, Disturbance(status=400)),
    "not_found": Kind(Phase.AFTER, Disturbance(status=404)),
    "storm": Kind(Phase.BEFORE, Disturbance(life_ms=1_200)),
    "auth_expired": Kind(Phase.BEFORE, Disturbance(status=401)),
    "fills_only_by_socket": Kind(Phase.AFTER, Disturbance(spoil=Spoil.NO_ROWS), only_fills=True),
    "fills_only_by_rest": Kind(Phase.FRAME, Disturbance(drop=True), only_fills=True),
    **_status_kinds(),
    **_spoil_kinds(),
    **_frame_kinds(),
}
"""Every fault that can be scheduled. `storm` and `auth_expired` strike connections (op "connect")."""

CONNECTION_FAULTS = frozenset({"storm", "auth_expired"})
ORDER_FAULTS: tuple[str, ...] = (
    *("swallow", "drop_before", "hold", "accept_then_drop", "delay_reply", "429", "429_ra", "425"),
    *("500_before", "500_after", "502_before", "503_after", "504_after", "redirect_307"),
    *("truncated", "error_body", "no_order", "html", "nan"),
)
"""What a seed draws from for requests, unless it is told otherwise."""
STREAM_FAULTS: tuple[str, ...] = ("frame_drop", "frame_duplicate", "frame_reorder", "frame_late")
_FILL_READS = frozenset({"fill", "fills", "historical_fills", "data/trades"})
_REFUSALS = {
    "kalshi": {400: "invalid_order", 401: "authentication_error", 403: "forbidden", 404: "not_found"},
    "polymarket": {
        400: "invalid order payload",
        401: "Unauthorized/Invalid api key",
        403: "address banned",
        404: "order not found",
        425: "the matching engine is restarting",
    },
}


def disturbance_of(fault: str, options: Options, call: Call) -> Disturbance:
    """What a scheduled fault does to this very call. Raises KeyError for a name that is not in KINDS."""
    base = KINDS[fault].disturbance
    status = options.status or base.status
    changes: dict[str, object] = {"fault": fault, "status": status}
    if options.delay_ms:
        changes[_delay_field(base)] = options.delay_ms
    if options.skew_ms and base.skew_ms:
        changes["skew_ms"] = options.skew_ms
    if 400 <= status < 500:
        changes["body"] = _error_body(call.venue, status, options.code)
    headers = dict(base.headers)
    if options.retry_after:
        headers["Retry-After"] = options.retry_after
    if options.location and "Location" in headers:
        headers["Location"] = options.location
    return msgspec.structs.replace(base, headers=headers, **changes)


def tells_of_fill(call: Call) -> bool:
    """A frame or a read that shows an account its executions."""
    return call.op in _FILL_READS or (call.op, call.reference) == ("user", "trade")


def _delay_field(base: Disturbance) -> str:
    """What `delay_ms` of a rule is for this fault: a connection's life, the pace of a drip, or a wait."""
    if base.life_ms:
        return "life_ms"
    return "drip_ms" if base.drip_ms else "delay_ms"


def _error_body(venue: str, status: int, code: str) -> bytes:
    """An error as this venue words it."""
    if status == 429:
        return b'{"error":"too many requests"}' if venue == "kalshi" else b'{"error":"Too Many Requests"}'
    word = code or _REFUSALS.get(venue, {}).get(status, "unheard_of")
    if venue == "kalshi":
        return msgspec.json.encode({"error": {"code": word, "message": word.replace("_", " "), "service": "exchange"}})
    return msgspec.json.encode({"error": word})
