"""Moving collateral between exchange shards: each shard's orders are backed by that shard's cash only.

Transfers complete at once. They are read back from the account's cash entries, so they outlive a restart like
everything else that is money. Amounts are centicents in requests and dollars in answers. Source: FACTS §3.9.
"""

from __future__ import annotations

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_types import EntryView
from venues.simulator.kalshi_catalog import derived_uuid
from venues.simulator.kalshi_core import ROOT, KalshiCore
from venues.simulator.kalshi_json import balance, error, ok
from venues.simulator.kalshi_limits import DEFAULT_COST
from venues.simulator.kalshi_requests import Body, paged

Json = dict[str, object]
PATH = ROOT + "/portfolio/intra_exchange_instance_transfer"
CENTICENT_U = 100


class TransferEndpoints:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        for method, path, op, handler in (
            ("POST", PATH, "transfer", self.create),
            ("GET", PATH + "s", "transfers", self.transfers),
            ("GET", PATH + "s/{transfer_id}", "transfer_status", self.transfer),
        ):
            router.route(method, path, self._core.private(op, handler, cost=DEFAULT_COST))

    def create(self, request: Request, account_id: str) -> Reply:
        """A `client_transfer_id` works once."""
        body = Body.of(request, "IntraExchangeInstanceTransferRequest")
        amount, source = body.integer("amount"), body.integer("source_exchange_shard") or 0
        target = body.integer("destination_exchange_shard") or 0
        if amount is None or amount <= 0 or source == target:
            raise error(400, "invalid_parameters")
        known = self._known(account_id)
        reference = body.text("client_transfer_id") or derived_uuid("transfer", f"{account_id}-{len(known)}")
        if reference in known:
            raise error(409, "transfer_already_exists")
        now_ms, amount_u = self._core.clock_ms(), amount * CENTICENT_U
        self._core.exchange.transfer(account_id, amount_u, source=source, target=target, ref=reference, now_ms=now_ms)
        return ok({"transfer_id": reference})

    def transfers(self, request: Request, account_id: str) -> Reply:
        rows = list(reversed(self._known(account_id).values()))
        page = paged(request, rows, operation="GetIntraExchangeInstanceTransfers", most=1000, default=100)
        return ok({"transfers": page.items, "cursor": page.cursor})

    def transfer(self, request: Request, account_id: str) -> Reply:
        row = self._known(account_id).get(request.params["transfer_id"])
        if row is None:
            raise error(404, "not_found")
        return ok({"transfer": row})

    def _known(self, account_id: str) -> dict[str, Json]:
        """Each transfer is two entries with one reference: out of a shard, then into another."""
        rows: dict[str, Json] = {}
        outgoing: dict[str, EntryView] = {}
        for entry in self._core.exchange.entries(account_id):
            if entry.kind != "transfer":
                continue
            if entry.amount_u < 0:
                outgoing[entry.ref] = entry
            else:
                rows[entry.ref] = _body(outgoing[entry.ref], entry)
        return rows


def _body(source: EntryView, target: EntryView) -> Json:
    return {
        "transfer_id": target.ref,
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": source.shard,
        "destination_exchange_shard": target.shard,
        "amount": balance(target.amount_u),
        "status": "complete",
        "created_ts": target.venue_ms // 1000,
    }
