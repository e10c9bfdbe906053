"""What a service may raise, with one stable code each; the API and the pages render these and nothing else.

    DomainError
    ├── Invalid        400  the input cannot be understood or is outside its limits
    ├── NotAllowed     403  understood, and this user may not
    ├── NotFound       404  absent, or another user's: the two are never told apart
    ├── Conflict       409  true a moment ago, not any more: a lost race, a wrong state
    ├── LimitBreached  422  a risk limit or a halt refused it
    └── Unavailable    503  a part of the system is not there at the moment

`CODES` is the documented table: a code that is not in it cannot be raised.
"""

from __future__ import annotations

from typing import Any

CODES: dict[str, str] = {
    "invalid": "The input is not valid.",
    "not_allowed": "You may not do this.",
    "not_found": "There is no such thing.",
    "conflict": "It changed in the meantime.",
    "limit_breached": "A risk limit does not allow it.",
    "unavailable": "This part of the system is not available now.",
    "bad_credentials": "E-mail or password is wrong.",
    "mfa_required": "A code of the second factor is needed.",
    "locked_out": "Too many failed attempts; try again later.",
    "bad_token": "The token is not valid any more.",
    "email_taken": "This e-mail address cannot be registered.",
    "credential_unreadable": "The stored credential cannot be decrypted with this key.",
    "duplicate_decision": "This decision already has an order.",
    "lease_lost": "Another trader holds this account.",
    "lease_held": "Another trader holds this account.",
    "halted": "Trading is halted.",
    "reduce_only": "Only orders that reduce a position are allowed.",
    "trader_stopped": "The trader is stopped.",
    "market_not_open": "The market does not take orders now.",
    "account_disabled": "The venue account is switched off.",
    "insufficient_cash": "There is not enough free cash.",
    "max_order_usd": "The order is larger than the limit of one order.",
    "max_position_usd": "The position would be larger than its limit.",
    "max_exposure_usd": "The exposure would be larger than its limit.",
    "max_balance_share": "The order is too large a part of the balance.",
    "max_open_orders": "There are too many open orders.",
    "daily_loss": "The loss of the day reached its limit.",
    "loss_streak": "Too many losses in a row.",
    "nothing_to_reduce": "There is no position to reduce.",
    "order_transition": "The order cannot go from its state to that one.",
    "fill_mismatch": "The fill was reported before with other numbers.",
    "settlement_mismatch": "The settlement was reported before with other numbers.",
    "throttled": "Too many requests; slow down.",
}


class DomainError(Exception):
    """Base of what services raise. `code` is stable, `message` is for people, `extra` is for machines."""

    status = 400
    default_code = "invalid"

    def __init__(self, code: str = "", message: str = "", **extra: Any) -> None:
        self.code = code or self.default_code
        self.message = message or CODES[self.code]
        self.extra = extra
        super().__init__(f"{self.code}: {self.message}")


class Invalid(DomainError):
    status, default_code = 400, "invalid"


class NotAuthenticated(DomainError):
    status, default_code = 401, "bad_credentials"


class NotAllowed(DomainError):
    status, default_code = 403, "not_allowed"


class NotFound(DomainError):
    status, default_code = 404, "not_found"


class Conflict(DomainError):
    status, default_code = 409, "conflict"


class LimitBreached(DomainError):
    status, default_code = 422, "limit_breached"


class Unavailable(DomainError):
    status, default_code = 503, "unavailable"
