"""The seam for faults: every face asks a `FaultPlan` before and after an effect, and before each frame.

The default plan never disturbs anything. A plan sees what is about to happen and answers with a `Disturbance`: the face
then waits, answers something else, drops the connection or withholds the frame. Whether the effect took place depends
only on which of the two questions was answered: `before` keeps it from happening (unless it only waits), `after` only
spoils the answer. Pure: what a disturbance says is done to bytes in `fault_wire`, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec


class Call(msgspec.Struct, frozen=True):
    """One operation at a face: `op` is the face's own word for it (create, cancel, orders, connect …).

    Of a frame `op` is its type at Kalshi and the channel at Polymarket, `reference` the other one of the two. The same
    object is asked about `before` and `after`: that is how a plan knows that the two questions belong together.
    """

    venue: str
    op: str
    account_id: str = ""
    reference: str = ""


class Spoil(StrEnum):
    """What becomes of the body of a true reply, or of the text of a true frame."""

    NONE = ""
    TRUNCATED = "truncated"
    CUT_SHORT = "cut_short"
    EMPTY = "empty"
    WRONG_TYPE = "wrong_type"
    ERROR_BODY = "error_body"
    NO_ORDER = "no_order"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    HUGE = "huge"
    GZIP_BOMB = "gzip_bomb"
    NAN = "nan"
    QUOTED_NAN = "quoted_nan"
    DUPLICATE_KEYS = "duplicate_keys"
    HTML = "html"
    NO_ROWS = "no_rows"


class Trick(StrEnum):
    """What becomes of a frame, or of the connection that it should have gone to."""

    NONE = ""
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    SEQ_RESET = "seq_reset"
    UNKNOWN_SID = "unknown_sid"
    SILENCE = "silence"
    DISCONNECT = "disconnect"


class Disturbance(msgspec.Struct, frozen=True):
    """Wait `delay_ms`, then the first of these that is set:

    `refuse`      the host does not even take a connection: nothing was sent
    `swallow`     nothing answers, and the connection stays open until the client gives up
    `drop`        the connection ends without a byte (of a frame: this frame is withheld)
    `status`      this answer (`body`, `content_type`, `headers`) instead of the real one; 0: go on
    `spoil`       the real answer with a damaged body
    `skew_ms`     the frame says that it is so much older (with a minus: younger) than it is
    `trick`       what happens to a frame instead of being sent

    `drip_ms` writes the answer one byte each so many ms. `life_ms` (of op "connect") closes the socket after so long.
    `fault` names the row that struck. In a simulation without sockets: `delay_ms` is virtual time, `refuse` means
    NotSent, `swallow` and `drop` mean OutcomeUnknown.
    """

    delay_ms: int = 0
    drop: bool = False
    status: int = 0
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    refuse: bool = False
    swallow: bool = False
    spoil: Spoil = Spoil.NONE
    trick: Trick = Trick.NONE
    skew_ms: int = 0
    drip_ms: int = 0
    life_ms: int = 0
    fault: str = ""


class FaultPlan(Protocol):
    def before(self, call: Call) -> Disturbance | None:
        """Asked when a request is understood and nothing has happened yet."""
        ...

    def after(self, call: Call) -> Disturbance | None:
        """Asked when the effect is durable and the answer is ready."""
        ...

    def frame(self, call: Call) -> Disturbance | None:
        """Asked before a frame is queued; `drop` withholds this frame only."""
        ...


class NoFaults:
    """The plan of an undisturbed day."""

    def before(self, call: Call) -> Disturbance | None:
        return None

    def after(self, call: Call) -> Disturbance | None:
        return None

    def frame(self, call: Call) -> Disturbance | None:
        return None
