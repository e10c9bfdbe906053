"""Moves cash between exchange shards: an order needs its collateral on its own market's shard.

Amounts on the wire are centicents ($0.0001). A transfer with a client id is accepted once; a repeat with the same id
on the same route is refused. Source: docs.kalshi.com, intra-exchange transfers, changelog 2026-10-15.
"""

from __future__ import annotations

import msgspec

from venues.errors import Rejected
from venues.kalshi.numbers import amount_u
from venues.kalshi.rest import KalshiRest
from venues.kalshi.schemas_portfolio import TransferCreatedReply, TransferReply, TransfersReply, WireTransfer
from venues.kalshi.values import Transfer

_CENTICENT_U = 100
_CREATE = "/portfolio/intra_exchange_instance_transfer"
_READ = "/portfolio/intra_exchange_instance_transfers"
_INSTANCE = "event_contract"


class ShardCash:
    """Transfers of one account between its shards."""

    def __init__(self, rest: KalshiRest) -> None:
        self._rest = rest

    async def transfer(self, *, from_shard: int, to_shard: int, amount_u: int, client_transfer_id: str) -> str:
        """Move `amount_u` µUSD; returns the transfer's id. `client_transfer_id` is a UUID, stored before the call.

        Raises Rejected when the amount is no positive multiple of $0.0001, and the errors of a write.
        """
        if amount_u <= 0 or amount_u % _CENTICENT_U:
            raise Rejected("A transfer is a positive multiple of $0.0001.", code="bad_quantity")
        body = {
            "source": _INSTANCE,
            "destination": _INSTANCE,
            "amount": amount_u // _CENTICENT_U,
            "source_exchange_shard": from_shard,
            "destination_exchange_shard": to_shard,
            "client_transfer_id": client_transfer_id,
        }
        reply = await self._rest.order_write("POST", _CREATE, shard=0, body=msgspec.json.encode(body))
        if reply.status not in (200, 201):
            raise self._rest.write_failure(reply)
        return self._rest.read_reply(reply, TransferCreatedReply).transfer_id

    async def get(self, transfer_id: str) -> Transfer:
        """One transfer. Raises NotFoundAtVenue."""
        return _parse((await self._rest.get(f"{_READ}/{transfer_id}", TransferReply)).transfer)

    async def list(self) -> list[Transfer]:
        """All transfers, newest first."""
        rows = await self._rest.pages(_READ, TransfersReply, lambda page: page.transfers, {"limit": 500})
        return [_parse(row) for row in rows]


def _parse(row: WireTransfer) -> Transfer:
    return Transfer(
        row.transfer_id,
        row.source_exchange_shard,
        row.destination_exchange_shard,
        amount_u(row.amount),
        row.status == "complete",
        row.created_ts * 1000,
    )
