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
    "paper_journal_missing": "The journal of this paper account is gone: restore it, or open a new account.",
    "credential_unreadable": "The stored credential cannot be decrypted with this key.",
    "duplicate_decision": "This decision already has an order.",
    "lease_lost": "Another trader holds this account.",
    "lease_held": "Another trader holds this account.",
    "fence_not_current": "The venue takes no more orders under this fence.",
    "fence_live": "An older fence of this account is not closed yet.",
    "takeover_failed": "The account could not be taken over safely; nothing is traded.",
    "halted": "Trading is halted.",
    "not_clean": "The books are not known to be the venue's.",
    "second_person": "Another person has to confirm it: not the one who set it or asked.",
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
    "max_order_qty": "The order has more contracts than one order may have.",
    "max_game_usd": "The stake in this game would be larger than its limit.",
    "max_group_usd": "The stake in this league would be larger than its limit.",
    "max_exposure_share": "The exposure would be too large a part of the account's worth.",
    "max_venue_usd": "The exposure of all accounts at this venue together would be larger than its limit.",
    "max_system_usd": "The exposure of all accounts together would be larger than its hard cap.",
    "cost_understated": "The order says it costs less than its contracts cost.",
    "price_off_band": "The price is outside of the range the venue takes.",
    "price_off_grid": "The price is not on the venue's grid.",
    "size_off_grid": "The size is not a whole number of lots, or below the venue's least.",
    "market_closing": "The market closes too soon.",
    "outside_collar": "The price is too far beyond the best price.",
    "outside_fair_band": "The price is too far above our own fair value.",
    "price_jumped": "The price jumped a moment ago; the market waits.",
    "depth_share": "The order is too large a part of what is on offer.",
    "edge_too_good": "The expected edge is too good to be true: look at the data.",
    "edge_missing": "The expected edge after fees is below its limit.",
    "book_unusable": "The book cannot be used now.",
    "book_stale": "The book was not heard of for too long.",
    "private_stream_down": "The private stream is down: fills would not be heard.",
    "clock_skew": "The venue's clock and ours differ too much.",
    "game_in_doubt": "The game is suspended, called off or moved.",
    "score_stale": "The score was not heard of for too long.",
    "settlement_failing": "The venue took back too many of its last fills.",
    "message_budget": "Too many messages to the venue; the rest is kept for cancels.",
    "duplicate_order": "An order of the same terms was placed a moment ago.",
    "repeated_entries": "This strategy entered this market too often; a person has to look.",
    "messages_per_fill": "Too many messages for each fill.",
    "reject_share": "The venue refused too many of the last orders.",
    "self_trade": "The order would trade with an order of our own.",
    "unknown_orders": "The outcome of an earlier order is still unknown.",
    "unknown_system": "The outcome of too many orders is unknown.",
    "sent_too_much": "More would be sent than was decided.",
    "body_differs": "What was about to leave is not what was approved.",
    "build_not_allowed": "This version of the program is not released for trading.",
    "credential_missing": "The account has no credential to trade with.",
    "strategy_loss": "The strategy's loss of the day reached its limit.",
    "system_loss": "The loss of the day of all accounts reached its limit.",
    "drawdown": "The account fell too far from its highest worth.",
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
