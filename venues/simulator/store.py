"""Durable client state: after kill -9 and a restart every order, fill, position, key and cent is as it was told.

One SQLite file in WAL mode. What an operation of an exchange changed is written in one transaction at its end, before
anybody outside can have heard of it (`Exchange.on_commit`). House accounts are the world's and are not kept; the world
itself is one opaque blob, taken together with every write so that both are of the same moment.

    store = Store(path)                               # raises StoreError, a sentence
    exchange = Exchange(rules, seed=seed, epoch=store.epoch)
    ...list the markets...
    saved = store.saved("kalshi")
    exchange.restore(saved.ledgers, saved.groups, now_ms)
    store.attach("kalshi", exchange)
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import (
    AccountLedger,
    AccountOpened,
    BalanceView,
    EntryBooked,
    EntryView,
    ExchangeEvent,
    FillBooked,
    FillSettled,
    FillView,
    GroupChange,
    GroupChanged,
    GroupView,
    OrderChanged,
    OrderView,
    PositionChanged,
    PositionView,
    Settled,
    SettlementView,
)

FORMAT = "courtside-simulator-state-1"
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    venue TEXT NOT NULL, kind TEXT NOT NULL, account_id TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (venue, kind, account_id, name)
);
"""
UPSERT = """
INSERT INTO records (venue, kind, account_id, name, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (venue, kind, account_id, name) DO UPDATE SET body = excluded.body
"""
SET_META = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

RecordKey = tuple[str, str, str, str]
V = TypeVar("V", bound=msgspec.Struct)


class StoreError(Exception):
    """The state file cannot be used; the message says why and what to do."""


class SavedVenue(msgspec.Struct, frozen=True):
    """`latest_ms`: the youngest virtual time that anything saved carries; 0 when nothing is."""

    ledgers: list[AccountLedger]
    groups: list[GroupView]
    latest_ms: int


def peek_world(path: Path) -> bytes | None:
    """The world's blob in a state file that nobody has open; the file stays as it is. Raises StoreError."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE name = 'world'").fetchone()
    except sqlite3.DatabaseError:
        raise StoreError(
            f"{path} is not a state file of the simulator: choose another --state or move it away"
        ) from None
    return row[0] if row is not None else None


class Store:
    """`epoch` counts how often this file has been opened, for ids that must not repeat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed: dict[RecordKey, bytes | None] = {}
        self._world_source: Callable[[], bytes] | None = None
        self._db = _open(path)
        self.epoch = int(self._meta("epoch") or b"-1") + 1
        self._set_meta("epoch", str(self.epoch).encode())
        self.identity = self._meta("identity") or secrets.token_bytes(16)
        self._set_meta("identity", self.identity)

    def attach(self, venue: str, exchange: Exchange) -> None:
        """Follow an exchange from now on; restore it first."""
        exchange.subscribe(lambda event: self._on_event(venue, event))
        exchange.on_commit(self.commit)

    def save_key(self, venue: str, key_id: str, account_id: str, body: bytes) -> None:
        """Keep what a face needs to recognise an account's requests. Durable when this returns."""
        self._changed[(venue, "key", account_id, key_id)] = body
        self.commit()

    def save_world(self, blob: bytes) -> None:
        self._set_meta("world", blob)

    def follow_world(self, source: Callable[[], bytes]) -> None:
        """Write the world's blob together with every change of a client."""
        self._world_source = source

    def commit(self) -> None:
        """Write what changed since the last commit, in one transaction. Does nothing when nothing did."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        gone = [key for key, body in changed.items() if body is None]
        with self._db:
            self._db.executemany(UPSERT, [(*key, body) for key, body in changed.items() if body is not None])
            self._db.executemany(
                "DELETE FROM records WHERE venue = ? AND kind = ? AND account_id = ? AND name = ?", gone
            )
            if self._world_source is not None:
                self._db.execute(SET_META, ("world", self._world_source()))

    def close(self) -> None:
        self.commit()
        self._db.close()

    def saved(self, venue: str) -> SavedVenue:
        """All client accounts of a venue, in the order of their opening."""
        ledgers = [self._ledger(venue, account_id) for account_id in self._account_ids(venue)]
        groups = self._records(venue, "group", None, GroupView)
        return SavedVenue(ledgers, groups, max((_latest_ms(ledger) for ledger in ledgers), default=0))

    def keys(self, venue: str) -> list[tuple[str, str, bytes]]:
        """`(key_id, account_id, body)` of every saved key."""
        rows = self._db.execute(
            "SELECT name, account_id, body FROM records WHERE venue = ? AND kind = 'key' ORDER BY rowid", (venue,)
        )
        return [(name, account_id, body) for name, account_id, body in rows]

    def world(self) -> bytes | None:
        return self._meta("world")

    def _account_ids(self, venue: str) -> list[str]:
        rows = self._db.execute(
            "SELECT account_id FROM records WHERE venue = ? AND kind = 'account' ORDER BY rowid", (venue,)
        )
        return [row[0] for row in rows]

    def _ledger(self, venue: str, account_id: str) -> AccountLedger:
        entries = self._records(venue, "entry", account_id, EntryView)
        positions = self._records(venue, "position", account_id, PositionView)
        cash_u = sum(entry.amount_u for entry in entries)
        return AccountLedger(
            balance=BalanceView(account_id=account_id, cash_u=cash_u, reserved_u=0, by_shard=()),
            fees_u=sum(position.fees_u for position in positions),
            positions=tuple(positions),
            orders=tuple(self._records(venue, "order", account_id, OrderView)),
            fills=tuple(self._records(venue, "fill", account_id, FillView)),
            settlements=tuple(self._records(venue, "settlement", account_id, SettlementView)),
            entries=tuple(entries),
        )

    def _records(self, venue: str, kind: str, account_id: str | None, shape: type[V]) -> list[V]:
        rows = self._db.execute(
            "SELECT body FROM records WHERE venue = ? AND kind = ? AND (? IS NULL OR account_id = ?) ORDER BY rowid",
            (venue, kind, account_id, account_id),
        )
        return [msgspec.json.decode(row[0], type=shape) for row in rows]

    def _on_event(self, venue: str, event: ExchangeEvent) -> None:
        match event:
            case AccountOpened(account_id=account_id):
                self._changed[(venue, "account", account_id, "")] = b""
            case OrderChanged(order=order):
                self._put(venue, "order", order.account_id, order.order_id, order)
            case FillBooked(fill=fill) | FillSettled(fill=fill):
                self._put(venue, "fill", fill.account_id, f"{fill.trade_id} {fill.leg}", fill)
            case PositionChanged(position=position):
                self._put(venue, "position", position.account_id, position.native_id, position)
            case EntryBooked(entry=entry):
                self._put(venue, "entry", entry.account_id, str(entry.seq), entry)
            case Settled(settlement=settlement):
                self._put(venue, "settlement", settlement.account_id, settlement.native_id, settlement)
            case GroupChanged(group=group, change=change):
                key = (venue, "group", group.account_id, group.group_id)
                self._changed[key] = None if change is GroupChange.DELETED else msgspec.json.encode(group)
            case _:
                return

    def _put(self, venue: str, kind: str, account_id: str, name: str, body: msgspec.Struct) -> None:
        self._changed[(venue, kind, account_id, name)] = msgspec.json.encode(body)

    def _meta(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def _set_meta(self, name: str, value: bytes) -> None:
        with self._db:
            self._db.execute(SET_META, (name, value))


def _open(path: Path) -> sqlite3.Connection:
    """Open or make the file, for this process alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(SCHEMA)
        db.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('format', ?)", (FORMAT.encode(),))
        db.commit()
        found = bytes(db.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()[0])
    except (sqlite3.Error, OSError) as problem:
        raise StoreError(_sentence(path, problem)) from problem
    if found != FORMAT.encode():
        raise StoreError(f"{path} was written by another version: move it away to start over")
    return db


def _sentence(path: Path, problem: Exception) -> str:
    text = str(problem)
    if "locked" in text:
        return f"{path} is in use by another simulator: stop that one or choose another --state"
    if "not a database" in text or "malformed" in text:
        return f"{path} is not a state file of the simulator: choose another --state or move it away"
    return f"{path} cannot be used as a state file ({text}): choose another --state"


def _latest_ms(ledger: AccountLedger) -> int:
    stamps = [entry.venue_ms for entry in ledger.entries[-1:]]
    stamps += [order.updated_ms for order in ledger.orders]
    stamps += [fill.venue_ms for fill in ledger.fills[-1:]]
    return max(stamps, default=0)
