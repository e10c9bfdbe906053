"""The last look before bytes leave: PT-26, what leaves is what was approved."""

from __future__ import annotations

from risk.checks.values import Breach, WireSnapshot


def bytes_as_approved(one: WireSnapshot) -> Breach | None:
    """PT-26: the hash of the body is the one that was committed; an empty one was never approved."""
    if one.approved_sha256 and one.approved_sha256 == one.leaving_sha256:
        return None
    return Breach("body_differs", one.leaving_sha256, one.approved_sha256)


def contracts_as_approved(one: WireSnapshot) -> Breach | None:
    """PT-26: no more contracts than were claimed; the venue's grid may have made it fewer."""
    if 0 < one.leaving_qty_u <= one.approved_qty_u:
        return None
    return Breach("body_differs", one.leaving_qty_u, one.approved_qty_u)
