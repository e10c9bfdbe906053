"""What can go wrong at a venue, named for what the caller knows afterwards.

VenueError
├── NotSent          no byte of the request left this machine: the effect is proven absent
├── Rejected         the venue refused; `code` is in its list of definitive refusals
│   └── Fenced       because the order's fence is shut, or somebody else holds our dead-man switch
├── OutcomeUnknown   the request may have had its effect (timeout, 5xx, lost reply, unreadable reply, odd status)
├── Throttled        429: an OutcomeUnknown for orders; carries how long to wait
├── AuthFailed       the venue does not accept the key, the signature or the clock
├── NotFoundAtVenue  a read found nothing: evidence of nothing by itself
└── ProtocolError    a message that cannot be read: wrong JSON, missing field, unknown state, number out of range
"""

from __future__ import annotations


class VenueError(Exception):
    """Base of all errors of this package. `code` is stable, `message` is for people and says what to do."""

    code = "venue_error"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        if code is not None:
            self.code = code


class NotSent(VenueError):
    code = "not_sent"


class Rejected(VenueError):
    code = "rejected"


class Fenced(Rejected):
    code = "fenced"


class OutcomeUnknown(VenueError):
    code = "outcome_unknown"


class Throttled(OutcomeUnknown):
    code = "throttled"

    def __init__(self, message: str, *, retry_after_s: float | None = None, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class AuthFailed(VenueError):
    code = "auth_failed"


class NotFoundAtVenue(VenueError):
    code = "not_found_at_venue"


class ProtocolError(VenueError):
    code = "protocol_error"
