"""The session's own pre-trade checks, in memory, right before a claim: books, feeds, clocks and games.

Story: the executor asks about every order; a No is written down as a denied order with its check and its numbers, and
the claim is never tried. Ages and collars are in the venues' own time, so a replay in lock-step judges as the game was.
Invariant: reads the session, changes nothing of it; no database.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from risk.checks import Verdict, judge_live, judge_sight
from risk.checks.price import collar_u
from risk.checks.values import BookView, GameView, LiveSnapshot, OrderAsk
from risk.limits import ACCOUNT_DEFAULTS, Level, Limits, strictest
from trading.domain.commands import SubmitOrder
from trading.domain.market_view import MarketView
from trading.domain.session import Session
from trading.engine.clock import Clock
from trading.engine.vitals import JUMP_WAIT_US, JUMP_WITHIN_US, Vitals
from venues.types import MICRO, Outcome, Venue, VenueMarket

CASH_TOLD_WITHIN_MS = 60_000
MESSAGE_BUDGET = "message_budget"

LimitsBy = Mapping[tuple[str, str], Limits]
"""By (account, strategy); the strategy "" stands for every one without limits of its own."""


class PreTrade:
    """`silent_ms`: how long a venue's market stream has said nothing at all, in venue milliseconds."""

    def __init__(self, session: Session, clock: Clock, vitals: Vitals, silent_ms: Callable[[Venue], int]) -> None:
        self.limits: LimitsBy = {}
        self._session = session
        self._clock = clock
        self._vitals = vitals
        self._silent_ms = silent_ms

    def judge(self, command: SubmitOrder) -> Verdict | None:
        """The first check that says no, or None; takes a token of the account's message budget if all say yes."""
        market = self._session.markets.get(command.market_id)
        if market is None or market.listing is None:
            return None  # the adapter refuses what is not listed, with a reason of its own
        self._vitals.sent.decide(command.decision_id, command.qty_u)
        verdict = judge_live(self.snapshot(command, market, market.listing))
        if verdict is None:
            self._vitals.bucket(command.account).take()
        return verdict

    def judge_again(self, command: SubmitOrder) -> Verdict | None:
        """When the order is about to leave: the book or the private stream may have been lost since `judge` (PT-19)."""
        market = self._session.markets.get(command.market_id)
        if market is None or market.listing is None:
            return None
        return judge_sight(self.snapshot(command, market, market.listing))

    def budget_wait_s(self, command: SubmitOrder, verdict: Verdict) -> float:
        """Real seconds until the message that this verdict refused fits into the budget (PT-17); infinite for any other
        verdict, and where venue time stands still."""
        breach, pace = verdict.breach, self._clock.pace
        if (
            breach.code != MESSAGE_BUDGET
            or not pace
            or not (isinstance(breach.limit, int) and isinstance(breach.value, int))
        ):
            return math.inf
        return (breach.limit - breach.value) / (1_000 * self.limits_for(command).max_orders_per_s * pace)

    def limits_for(self, command: SubmitOrder) -> Limits:
        """Before the rows were read, the defaults hold."""
        own = self.limits.get((command.account, command.strategy)) or self.limits.get((command.account, ""))
        return own if own is not None else strictest([(Level.ACCOUNT, ACCOUNT_DEFAULTS)])

    def snapshot(self, command: SubmitOrder, market: MarketView, listing: VenueMarket) -> LiveSnapshot:
        limits, now_us = self.limits_for(command), self._clock.now_us()
        ask = OrderAsk(
            cost_u=command.max_cost_u,
            reduces=command.reduce_only,
            side=command.side,
            outcome=command.outcome,
            price_u=command.price_u,
            qty_u=command.qty_u,
        )
        fair_u = _fair_u(market, command.outcome)
        decided_u, sent_u = self._vitals.sent.of(command.decision_id)
        bucket = self._vitals.bucket(command.account)
        return LiveSnapshot(
            ask=ask,
            limits=limits,
            market=listing,
            market_state=market.state,
            now_ms=now_us // 1_000,
            book=self._book(market, listing, ask, limits, now_us),
            game=_game(market, listing, now_us),
            fair_u=fair_u,
            edge_u=None if fair_u is None else fair_u - command.price_u - market.fee_u(command.price_u),
            wants_edge=fair_u is not None and limits.level_of("min_edge_price_u") is not Level.HARD_CAP,
            is_feed_up=not self._session.desk.is_down(market),
            is_private_up=not self._session.desk.is_deaf(listing.venue, command.account),
            cash_at_venue_u=self._cash_u(command.account, now_us // 1_000),
            skew_ms=self._vitals.skew(listing.venue).ms,
            tokens_milli=bucket.tokens_milli(now_us, per_s=limits.max_orders_per_s),
            failed_of_50=self._vitals.failed_of_50(listing.venue),
            decided_qty_u=decided_u,
            sent_qty_u=sent_u,
        )

    def _book(self, market: MarketView, listing: VenueMarket, ask: OrderAsk, limits: Limits, now_us: int) -> BookView:
        book = market.book
        reach_u = collar_u(listing, ask.yes_price_u, limits)
        if ask.buys_yes:
            depth_u = book.depth_to(False, book.best_ask_u + reach_u)
        else:
            depth_u = book.depth_to(True, book.best_bid_u - reach_u)
        quoted_ms = (now_us - market.book_us) // 1_000
        return BookView(
            is_valid=book.is_valid,
            best_bid_u=book.best_bid_u,
            best_ask_u=book.best_ask_u,
            depth_u=depth_u,
            age_ms=max(0, min(quoted_ms, self._silent_ms(listing.venue))),
            moved_u=self.jump_u(market),
        )

    def is_calm(self, market: MarketView) -> bool:
        """PT-05 would refuse nobody's entry here."""
        limits = [one.max_move_price_u for one in self.limits.values()] or [ACCOUNT_DEFAULTS["max_move_price_u"]]
        return self.jump_u(market) <= min(limits)

    def jump_u(self, market: MarketView) -> int:
        """PT-05: how far the mid moved within five seconds, at any time of the last ten, µUSD."""
        now_us = self._clock.now_us()
        return market.trail.jump_u(market.last_mid_u2, now_us, within_us=JUMP_WITHIN_US, since_us=JUMP_WAIT_US)

    def _cash_u(self, account: str, now_ms: int) -> int | None:
        """What the venue says is free, if it said so in the last minute; its own reservations are taken off already."""
        report = self._session.desk.balances.get(account)
        if report is None or now_ms - report.venue_ms > CASH_TOLD_WITHIN_MS:
            return None
        return report.available_u


def _fair_u(market: MarketView, outcome: Outcome) -> int | None:
    if market.fair_u is None or outcome is Outcome.YES:
        return market.fair_u
    return MICRO - market.fair_u


def _game(market: MarketView, listing: VenueMarket, now_us: int) -> GameView:
    """The state as the game's sources tell it; a market without a known start has not moved."""
    game = market.game
    if game is None or game.state is None:
        return GameView()
    moved_ms = 0 if listing.game_start_ms is None else game.state.start_ms - listing.game_start_ms
    return GameView(status=game.state.status, score_age_ms=game.age_s(now_us) * 1_000, moved_ms=moved_ms)
