"""What Kalshi can do, for everybody who must not ask which venue it is."""

from __future__ import annotations

from venues.kalshi.constants import MAX_CLIENT_ORDER_ID_LEN
from venues.ports import Capabilities, FenceKind
from venues.types import Venue

CAPABILITIES = Capabilities(
    venue=Venue.KALSHI,
    fence=FenceKind.ORDER_GROUP,
    order_id_known_before_send=False,
    fills_settle_later=False,
    nets_yes_and_no=True,
    can_amend=True,
    can_decrease=True,
    can_cancel_on_pause=True,
    has_taker_delay=False,
    reduce_only_native=False,
    max_client_order_id_len=MAX_CLIENT_ORDER_ID_LEN,
)
"""`reduce_only` is native for immediate-or-cancel orders only; for the others the trader must guard itself."""
