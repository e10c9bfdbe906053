"""What the CLOB says when it refuses: the texts of polymarket/FACTS §2.11, by reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from venues.simulator.exchange_types import RejectCode

FOK_KILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED = "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
NO_BOOK = "No orderbook exists for the requested token id"
NOT_READY = "the market is not yet ready to process new orders"
NO_BALANCE = "not enough balance / allowance"
BAD_SIGNATURE = "invalid signature"
VERSION_MISMATCH = "order_version_mismatch"
BAD_PAYLOAD = "Invalid order payload"
FOREIGN_OWNER = "the order owner has to be the owner of the API KEY"
FOREIGN_SIGNER = "the order signer address has to be the address of the API KEY"
TRADING_DISABLED = "Trading is currently disabled. Check polymarket.com for updates"
CANCEL_ONLY = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
GONE = "already canceled or matched"
IN_DELAY = "cannot cancel because the order is in pending/delayed status"

_BY_CODE = {
    RejectCode.ACCOUNT_NOT_FOUND: (400, NO_BALANCE),
    RejectCode.INSUFFICIENT_BALANCE: (400, NO_BALANCE),
    RejectCode.MARKET_NOT_FOUND: (404, "market not found"),
    RejectCode.MARKET_CLOSED: (400, NOT_READY),
    RejectCode.TRADING_PAUSED: (503, CANCEL_ONLY),
    RejectCode.EXCHANGE_PAUSED: (503, TRADING_DISABLED),
    RejectCode.INVALID_EXPIRATION: (400, "invalid expiration"),
    RejectCode.POST_ONLY_CROSS: (400, "invalid post-only order: order crosses book"),
    RejectCode.FOK_UNFILLABLE: (400, FOK_KILLED),
    RejectCode.NOTHING_TO_MATCH: (400, FAK_KILLED),
    RejectCode.INVALID_ORDER: (400, BAD_PAYLOAD),
    RejectCode.INVALID_QUANTITY: (400, BAD_PAYLOAD),
}


class ClobError(Exception):
    """A refusal with its HTTP status, body and headers."""

    def __init__(
        self, status: int, text: str, *, body: dict[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.body = body or {"error": text}
        self.headers = headers or {}


def refusal_of(code: RejectCode) -> ClobError:
    """The venue's words for what the exchange refused, where they need no numbers of the order."""
    return ClobError(*_BY_CODE.get(code, (400, BAD_PAYLOAD)))
