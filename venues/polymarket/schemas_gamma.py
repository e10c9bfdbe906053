"""Gamma's events and markets as they are on the wire: metadata for discovery, never prices (they are cached for 300 s).

`outcomes`, `outcomePrices` and `clobTokenIds` are JSON inside a string; keys are missing as often as null; `gameId` is
an int on events and a text on markets. Source: FACTS §4 and recorded replies of January to October 2026.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from venues.wire import Wire, fields


class GammaFeeSchedule(Wire, rename="camel"):
    UNUSED: ClassVar[frozenset[str]] = fields("rebateRate")
    rate: Decimal
    exponent: int = 1
    taker_only: bool = True


class GammaTag(Wire, rename="camel"):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "label createdAt updatedAt createdBy updatedBy forceHide forceShow isCarousel publishedAt requiresTranslation "
        "activeEventsCount"
    )
    id: str
    slug: str = ""


class GammaTeam(Wire, rename="camel"):
    UNUSED: ClassVar[frozenset[str]] = fields("record logo color createdAt updatedAt")
    id: int
    name: str
    league: str = ""
    abbreviation: str = ""
    alias: str | None = None
    provider_id: int | None = None
    ordering: str = ""


class GammaMarket(Wire, rename="camel", kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "acceptingOrdersTimestamp approved archived automaticallyActive automaticallyResolved bestAsk bestBid category "
        "clobRewards comboStatus competitive createdAt creator customLiveness cyom deploying deployingTimestamp "
        "endDateIso eventStartTime featured feeType fpmmLive funded groupItemThreshold hasReviewedDates "
        "holdingRewardsEnabled icon image lastTradePrice liquidity liquidityAmm liquidityClob liquidityNum lowerBound "
        "mailchimpTag makerBaseFee makerRebatesFeeShareBps manualActivation marketMakerAddress marketType "
        "negRiskMarketID negRiskOther negRiskRequestID new oneDayPriceChange oneHourPriceChange oneMonthPriceChange "
        "oneWeekPriceChange oneYearPriceChange pagerDutyNotificationEnabled pendingDeployment ready readyForCron "
        "requiresTranslation resolutionSource restricted rewardsMaxSpread rewardsMinSize rfqEnabled "
        "seriesColor showGmpOutcome showGmpSeries spread startDate startDateIso submitted_by takerBaseFee "
        "twitterCardImage umaBond umaEndDate umaResolutionStatuses umaReward updatedAt updatedBy upperBound volume "
        "volume1mo volume1moAmm volume1moClob volume1wk volume1wkAmm volume1wkClob volume1yr volume1yrAmm "
        "volume1yrClob volume24hr volume24hrAmm volume24hrClob volumeAmm volumeClob volumeNum"
    )
    id: str
    question: str
    condition_id: str
    slug: str = ""
    question_id: str | None = msgspec.field(default=None, name="questionID")
    resolved_by: str | None = None
    outcomes: str | None = None
    outcome_prices: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str] | None = None
    version: str = "v1"
    sports_market_type: str | None = None
    line: Decimal | None = None
    group_item_title: str | None = None
    game_id: int | str | None = None
    game_start_time: str | None = None
    seconds_delay: int = 0
    clear_book_on_start: bool = False
    order_price_min_tick_size: Decimal = Decimal("0.01")
    order_min_size: Decimal = Decimal(5)
    accepting_orders: bool = False
    enable_order_book: bool = False
    active: bool = False
    closed: bool = False
    neg_risk: bool = False
    fees_enabled: bool = False
    fee_schedule: GammaFeeSchedule | None = None
    uma_resolution_status: str | None = None
    closed_time: str | None = None
    end_date: str | None = None
    description: str | None = None
    events: list[GammaEvent] | None = None


class GammaEvent(Wire, rename="camel", kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "active archived automaticallyActive automaticallyResolved closedTime commentCount competitive countryName "
        "createdAt creationDate cumulativeMarkets cyom deploying deployingTimestamp description electionType "
        "enableNegRisk enableOrderBook endDate estimateValue eventMetadata eventWeek featured gmpChartMode icon image "
        "liquidity liquidityClob negRiskAugmented negRiskMarketID new openInterest pendingDeployment "
        "requiresTranslation resolutionSource restricted series showAllOutcomes showMarketImages sortBy sport "
        "startDate ticker updatedAt version volume volume1mo volume1wk volume1yr volume24hr"
    )
    id: str
    slug: str = ""
    title: str = ""
    start_time: str | None = None
    event_date: str | None = None
    game_id: int | str | None = None
    score: str | None = None
    period: str | None = None
    elapsed: str | None = None
    live: bool = False
    ended: bool = False
    closed: bool = False
    finished_timestamp: str | None = None
    neg_risk: bool = False
    parent_event_id: int | str | None = None
    series_slug: str | None = None
    tags: list[GammaTag] | None = None
    teams: list[GammaTeam] | None = None
    markets: list[GammaMarket] | None = None


class EventsPage(Wire):
    events: list[GammaEvent]
    next_cursor: str | None = None


class MarketsPage(Wire):
    markets: list[GammaMarket]
    next_cursor: str | None = None


class GammaSport(Wire, rename="camel"):
    """A league as Gamma lists it. `ordering` tells which side slugs, titles and scores name first."""

    UNUSED: ClassVar[frozenset[str]] = fields("image resolution createdAt updatedAt")
    id: int
    sport: str
    name: str = ""
    ordering: str = ""
    tags: str = ""
    primary_tag_id: int | None = None
    series: str = ""
