"""POST /order and /orders: from signed bytes to an order at the exchange, refused in the venue's order and words.

payload → owner and signer → market → signature → price on the grid → size → $1 → duplicate → balance → post-only →
FOK/FAK. Invariant: the order id is the EIP-712 hash, so posting the same bytes twice can never make two orders.
Source: polymarket/FACTS §2.6, §2.7, §11.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import ExchangeReject, NewOrder, OrderView, RejectCode
from venues.simulator.polymarket_approvals import Approvals
from venues.simulator.polymarket_errors import (
    BAD_PAYLOAD,
    BAD_SIGNATURE,
    FOREIGN_OWNER,
    FOREIGN_SIGNER,
    NO_BALANCE,
    NOT_READY,
    VERSION_MISMATCH,
    ClobError,
    refusal_of,
)
from venues.simulator.polymarket_listing import Catalogue, Listed
from venues.simulator.polymarket_numbers import decimal_text, limit_price_u
from venues.simulator.polymarket_records import (
    GTD_THRESHOLD_MS,
    ORDER_TYPES,
    killed_frame,
    transaction_hash,
)
from venues.simulator.polymarket_signing import (
    POLY_1271,
    SIDE_CODES,
    SignedOrder,
    exchange_domain,
    order_id,
    order_signer,
)
from venues.simulator.polymarket_trades import TradeLog
from venues.simulator.polymarket_user_feed import UserFeed
from venues.simulator.polymarket_wallets import ApiKey
from venues.types import MICRO, OrderState, Outcome, Side

MAX_BATCH = 15
_MARKET_TYPES = ("FAK", "FOK")
_CENT_U = 10_000
_AMOUNT_STEPS_U = {100_000: 1_000, 10_000: 100, 5_000: 10, 2_500: 1, 1_000: 10, 100: 1}
"""Per tick, the smallest step of the taker amount of an FAK or FOK order (polymarket/FACTS §2.7)."""


class PostedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One element of the body. Unknown keys are ignored, as production does."""

    order: SignedOrder
    owner: str
    order_type: str = "GTC"
    post_only: bool = False
    defer_exec: bool = False


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a signed order asks for, once it is understood."""

    id: str
    listed: Listed
    outcome: Outcome
    side: Side
    price_u: int
    qty_u: int
    usd_u: int


class OrderEntry:
    """Takes orders. `now_ms` is virtual: expirations are judged by the clock of the world."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        catalogue: Catalogue,
        trades: TradeLog,
        users: UserFeed,
        approvals: Approvals,
        now_ms: Callable[[], int],
    ) -> None:
        self._exchange = exchange
        self._catalogue = catalogue
        self._trades = trades
        self._users = users
        self._approvals = approvals
        self._now_ms = now_ms

    def place(self, key: ApiKey, body: bytes) -> dict[str, Any]:
        """The response of POST /order. Raises ClobError."""
        return self._place(key, _decoded(body))

    def place_many(self, key: ApiKey, body: bytes) -> list[dict[str, Any]]:
        """The response of POST /orders: a refused leg says success too, and carries its reason and no id."""
        entries = _entries(body)
        if len(entries) > MAX_BATCH:
            raise ClobError(400, f"Too many orders in payload: {len(entries)}, max allowed: {MAX_BATCH}")
        return [self._place_leg(key, entry) for entry in entries]

    def count(self, body: bytes) -> int:
        """How many orders a batch holds: what it costs at the signer's limit."""
        return len(_entries(body))

    def _place_leg(self, key: ApiKey, entry: msgspec.Raw) -> dict[str, Any]:
        try:
            return self._place(key, _decoded(bytes(entry)))
        except ClobError as refusal:
            return _response(order_id="", error=refusal.text)

    def _place(self, key: ApiKey, posted: PostedOrder) -> dict[str, Any]:
        self._check_owner(key, posted)
        terms = self._terms(key, posted)
        self._check_price(terms, posted.order_type)
        self._check_allowance(terms)
        try:
            view = self._exchange.submit(key.wallet.account_id, self._new_order(terms, posted), self._now_ms())
        except ExchangeReject as reject:
            raise self._refusal(reject, terms, key, posted) from reject
        return self._accepted(view, posted.order_type)

    def _check_owner(self, key: ApiKey, posted: PostedOrder) -> None:
        if posted.owner != key.credentials.api_key:
            raise ClobError(400, FOREIGN_OWNER)
        is_contract = posted.order.signature_type == POLY_1271
        expected = key.wallet.funder if is_contract else key.wallet.address
        if posted.order.signer.lower() != expected.lower():
            raise ClobError(400, FOREIGN_SIGNER)

    def _terms(self, key: ApiKey, posted: PostedOrder) -> _Terms:
        order = posted.order
        known = self._catalogue.by_asset(order.token_id)
        if known is None:
            raise ClobError(400, NOT_READY)
        listed, outcome = known
        return self._priced(listed, outcome, order, self._checked_id(key, listed, order))

    def _checked_id(self, key: ApiKey, listed: Listed, order: SignedOrder) -> str:
        """The order's hash, if the API key's own signer signed it for this market's exchange and this funder."""
        domain = exchange_domain(is_v3=listed.market.version == "v2", is_neg_risk=listed.market.is_neg_risk)
        try:
            made_id, signer = order_id(order, domain), order_signer(order, domain)
        except ValueError as problem:
            raise ClobError(400, BAD_PAYLOAD) from problem
        wallet = key.wallet
        is_own = order.maker.lower() == wallet.funder.lower() and order.signature_type == wallet.signature_type
        if signer != wallet.address.lower() or not is_own:
            raise ClobError(400, BAD_SIGNATURE)
        return made_id

    def _priced(self, listed: Listed, outcome: Outcome, order: SignedOrder, made_id: str) -> _Terms:
        is_buy = order.side == "BUY"
        maker_u, taker_u = int(order.maker_amount), int(order.taker_amount)
        usd_u, qty_u = (maker_u, taker_u) if is_buy else (taker_u, maker_u)
        tick_u = self._tick_u(listed)
        price_u = limit_price_u(usd_u=usd_u, qty_u=qty_u, tick_u=tick_u)
        if price_u is None:
            shown = decimal_text(usd_u * MICRO // qty_u) if qty_u else "0"
            raise ClobError(400, _off_grid(made_id, shown, tick_u))
        return _Terms(
            id=made_id,
            listed=listed,
            outcome=outcome,
            side=Side.BUY if is_buy else Side.SELL,
            price_u=price_u,
            qty_u=qty_u,
            usd_u=usd_u,
        )

    def _check_price(self, terms: _Terms, order_type: str) -> None:
        tick_u = self._tick_u(terms.listed)
        if not tick_u <= terms.price_u <= MICRO - tick_u:
            limits = f"min: {decimal_text(tick_u)} - max: {decimal_text(MICRO - tick_u)}"
            raise ClobError(400, f"invalid price ({decimal_text(terms.price_u)}), {limits}")
        if order_type in _MARKET_TYPES:
            given_u, got_u = (terms.usd_u, terms.qty_u) if terms.side is Side.BUY else (terms.qty_u, terms.usd_u)
            if given_u % _CENT_U or got_u % _AMOUNT_STEPS_U.get(tick_u, 1):
                raise ClobError(400, "invalid amounts, the maker amount supports a max accuracy of 2 decimals")

    def _check_allowance(self, terms: _Terms) -> None:
        allowed_u = self._approvals.limit_u
        if terms.side is Side.BUY and terms.usd_u > allowed_u:
            short = f"the allowance is not enough -> allowance: {allowed_u}, order amount: {terms.usd_u}"
            raise ClobError(400, f"{NO_BALANCE}: {short}")

    def _tick_u(self, listed: Listed) -> int:
        return self._exchange.market(listed.market.condition_id).spec.bands[0].step_u

    def _new_order(self, terms: _Terms, posted: PostedOrder) -> NewOrder:
        is_gtd = posted.order_type == "GTD"
        return NewOrder(
            native_id=terms.listed.market.condition_id,
            side=terms.side,
            outcome=terms.outcome,
            price_u=terms.price_u,
            qty_u=terms.qty_u,
            tif=ORDER_TYPES[posted.order_type],
            order_id=terms.id,
            expires_ms=int(posted.order.expiration) * 1000 - GTD_THRESHOLD_MS if is_gtd else None,
            post_only=posted.post_only,
        )

    def _accepted(self, view: OrderView, order_type: str) -> dict[str, Any]:
        if view.state is OrderState.DELAYED:
            return _response(order_id=view.order_id, status="delayed")
        if not view.filled_u:
            return _response(order_id=view.order_id, status="live" if view.is_open else "unmatched")
        usd, shares = decimal_text(view.taker_cost_u), decimal_text(view.filled_u)
        trade_ids = self._trades.trade_ids(view.order_id)
        hashes = [] if order_type in _MARKET_TYPES else [transaction_hash(each) for each in trade_ids]
        amounts = (usd, shares) if view.side is Side.BUY else (shares, usd)
        return _response(order_id=view.order_id, status="matched", amounts=amounts, trade_ids=trade_ids, hashes=hashes)

    def _refusal(self, reject: ExchangeReject, terms: _Terms, key: ApiKey, posted: PostedOrder) -> ClobError:
        tick_u, min_u = self._tick_u(terms.listed), terms.listed.market.min_size_u
        invalid = f"order {terms.id} is invalid."
        match reject.code:
            case RejectCode.INVALID_PRICE:
                return ClobError(400, _off_grid(terms.id, decimal_text(terms.price_u), tick_u))
            case RejectCode.BELOW_MIN_QUANTITY:
                shown = f"Size ({decimal_text(terms.qty_u)}) lower than the minimum: {decimal_text(min_u)}"
                return ClobError(400, f"{invalid} {shown}")
            case RejectCode.BELOW_MIN_TAKER_USD:
                shown = decimal_text(terms.price_u * terms.qty_u // MICRO)
                return ClobError(400, f"invalid amount for a marketable BUY order (${shown}), min size: $1")
            case RejectCode.DUPLICATE_ORDER:
                return ClobError(400, f"{invalid} Duplicated.")
            case RejectCode.INSUFFICIENT_BALANCE:
                return ClobError(400, self._poor(terms, key))
            case RejectCode.FOK_UNFILLABLE | RejectCode.NOTHING_TO_MATCH:
                self._tell_killed(reject.code, terms, key, posted)
        return refusal_of(reject.code)

    def _poor(self, terms: _Terms, key: ApiKey) -> str:
        account_id = key.wallet.account_id
        if terms.side is Side.BUY:
            held_u, asked_u = self._exchange.balance(account_id).cash_u, terms.usd_u
        else:
            position = self._exchange.position(account_id, terms.listed.market.condition_id)
            held_u = position.yes_qty_u if terms.outcome is Outcome.YES else position.no_qty_u
            asked_u = terms.qty_u
        return f"{NO_BALANCE}: the balance is not enough -> balance: {held_u}, order amount: {asked_u}"

    def _tell_killed(self, code: RejectCode, terms: _Terms, key: ApiKey, posted: PostedOrder) -> None:
        """The user channel hears of a killed order too, although nothing of it was ever at the exchange."""
        account_id, condition_id = key.wallet.account_id, terms.listed.market.condition_id
        frame = killed_frame(
            order_id=terms.id,
            owner=posted.owner,
            maker_address=posted.order.maker,
            market=condition_id,
            asset_id=posted.order.token_id,
            side=posted.order.side,
            qty_u=terms.qty_u,
            price_u=terms.price_u,
            is_fok=code is RejectCode.FOK_UNFILLABLE,
            venue_ms=self._now_ms(),
        )
        self._users.send(account_id, condition_id, frame)


def _decoded(body: bytes) -> PostedOrder:
    try:
        posted = msgspec.json.decode(body, type=PostedOrder)
        _check_integers(posted.order)
    except (msgspec.DecodeError, ValueError) as problem:
        raise ClobError(400, VERSION_MISMATCH if _is_v1(body) else BAD_PAYLOAD) from problem
    is_market = posted.order_type in _MARKET_TYPES
    if posted.order_type not in ORDER_TYPES or posted.order.side not in SIDE_CODES or (is_market and posted.post_only):
        raise ClobError(400, BAD_PAYLOAD)
    if (posted.order_type == "GTD") != (posted.order.expiration != "0"):
        raise ClobError(400, "invalid expiration")
    return posted


def _check_integers(order: SignedOrder) -> None:
    fields = (order.token_id, order.maker_amount, order.taker_amount, order.timestamp, order.expiration)
    if not all(each.isdecimal() for each in fields) or not 0 <= order.salt <= 1 << 53:
        raise ValueError("not an unsigned integer")
    if not int(order.maker_amount) or not int(order.taker_amount):
        raise ValueError("an amount is zero")


def _is_v1(body: bytes) -> bool:
    """An order of the dead protocol: it has a nonce and a fee rate and no timestamp."""
    try:
        order = msgspec.json.decode(body)["order"]
        return "feeRateBps" in order and "timestamp" not in order
    except (msgspec.DecodeError, KeyError, TypeError):
        return False


def _entries(body: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.DecodeError as problem:
        raise ClobError(400, BAD_PAYLOAD) from problem


def _off_grid(made_id: str, price: str, tick_u: int) -> str:
    return f"order {made_id} is invalid. Price ({price}) breaks minimum tick size rule: {decimal_text(tick_u)}"


def _response(
    *,
    order_id: str,
    status: str = "",
    error: str = "",
    amounts: tuple[str, str] = ("", ""),
    trade_ids: list[str] | None = None,
    hashes: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "success": True,
        "errorMsg": error,
        "orderID": order_id,
        "status": status,
        "makingAmount": amounts[0],
        "takingAmount": amounts[1],
        "tradeIDs": trade_ids or [],
        "transactionsHashes": hashes or [],
    }
