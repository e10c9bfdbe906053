"""What the trader's shell tells the session beside the messages of `venues.types`: time, links, halts, outcomes.

Invariant: everything a decision depends on arrives as a message, so that the same messages give the same commands.
A feed repeats an unchanged `GameState` on every poll: hearing it again is what keeps the game clock fresh.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from trading.domain.config import SessionConfig
from trading.domain.lifecycle import OrderStatus
from venues.types import BookDelta, BookGap, BookLevel, BookSnapshot


class TradingState(StrEnum):
    """Effective state of the account, the strictest of all scopes. REDUCING: exits only. PAUSED: cancels only, leaves
    by itself. HALTED: cancels only (and exits if the halt says flatten), a person re-arms."""

    ACTIVE = "active"
    REDUCING = "reducing"
    PAUSED = "paused"
    HALTED = "halted"


class Tick(msgspec.Struct, frozen=True, tag=True):
    """Time passed. About once a second; drives stale-data rules, order timeouts and decision heartbeats."""


BookChange = BookSnapshot | BookDelta | BookLevel | BookGap


class BookChanges(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Changes of one book that came faster than they were taken. None of the books in between was ever looked at, or
    needs to have been: only the last one is."""

    market_id: str
    changes: tuple[BookChange, ...]


class GameLinked(msgspec.Struct, frozen=True, tag=True):
    """This market is about this game. `yes_is_home`: YES pays if the home side wins; None: YES pays on a draw."""

    game_id: str
    market_id: str
    yes_is_home: bool | None


class IntentUpdate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of a `SubmitOrder`. Order ids are given as soon as they are known; fills come as `FillReport` only,
    `filled_u` here just says how much of them to wait for. `qty_u`: what was really asked for, where it is less than
    was meant because the venue's grid is coarser."""

    decision_id: str
    status: OrderStatus
    filled_u: int = 0
    client_order_id: str = ""
    venue_order_id: str = ""
    reason: str = ""
    qty_u: int = 0


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """A stop of less than everything: of one account, or of one market."""

    account: str = ""
    market_id: str = ""
    state: TradingState
    flatten: bool = False


class TradingStateChanged(msgspec.Struct, frozen=True, tag=True):
    """`state` holds everywhere; `narrow` adds what is stopped in one account or market only."""

    state: TradingState
    reason: str = ""
    flatten: bool = False
    narrow: tuple[Narrowed, ...] = ()


class AccountBlocked(msgspec.Struct, frozen=True, tag=True):
    """What stops every entry of this account, in words; empty: nothing does any more. Exits are not concerned."""

    account: str
    why: str


class ConfigChanged(msgspec.Struct, frozen=True, tag=True):
    config: SessionConfig


DomainMessage = Tick | BookChanges | GameLinked | IntentUpdate | TradingStateChanged | AccountBlocked | ConfigChanged
