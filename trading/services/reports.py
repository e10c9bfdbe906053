"""A report of a venue becomes rows, whoever read it: the trader's ledger, or a comparison while no trader runs."""

from __future__ import annotations

import msgspec
import structlog

from accounts.models import VenueAccount
from markets.models import Market
from markets.services import market_upsert
from trading.services.fills import fill_book
from trading.services.moves import find_order
from trading.services.orders import order_apply_report
from trading.services.settlement import settlement_book
from venues.types import FillReport, MarketKind, OrderReport, OrderState, SettlementReport, VenueMarket

log = structlog.get_logger(__name__)


def report_book(*, venue_account: VenueAccount, report: FillReport | OrderReport | SettlementReport) -> None:
    """Book it once; a repetition changes nothing."""
    market_ensure_listed(report)
    match report:
        case FillReport():
            fill_book(venue_account=venue_account, report=report)
        case OrderReport():
            order_apply_report(venue_account=venue_account, report=report)
        case SettlementReport():
            settlement_book(venue_account=venue_account, report=report)


def order_report_closed(account: VenueAccount, report: OrderReport) -> OrderReport:
    """A venue that forgets ended orders cannot say how one ended; filled whole, it was not canceled."""
    order = find_order(account, client_order_id=report.client_order_id, venue_order_id=report.venue_order_id)
    if order is not None and report.state is OrderState.CANCELED and report.filled_u >= order.qty_u:
        return msgspec.structs.replace(report, state=OrderState.FILLED)
    return report


def market_ensure_listed(report: FillReport | OrderReport | SettlementReport) -> None:
    """A person may trade the same account by hand, in markets nobody watches here: those count in the books too."""
    if Market.objects.filter(market_id=report.market_id).exists():
        return
    native_id = report.market_id.partition(":")[2]
    stub = VenueMarket(
        market_id=report.market_id,
        venue=report.venue,
        native_id=native_id,
        event_id="",
        kind=MarketKind.OTHER,
        league="",
        title=native_id[:120],
        yes_label="Yes",
        no_label="No",
    )
    market_upsert(market=stub)
    log.info("market_met_by_report", market=report.market_id, kind=type(report).__name__)
