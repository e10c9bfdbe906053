"""Seeded streams in the venues' own wire form, made in slices so that a million messages need little memory.

The books behind them are real ones: sizes come and go near the best, the best moves every few messages, nothing ever
crosses, and Polymarket's frames state the best prices their changes lead to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

START_US = 1_700_000_000_000_000
GAP_US = 200
"""Five thousand messages a second a venue: the storm a trader has to stand (10,000 a second for a minute)."""


class Frame(NamedTuple):
    at_us: int
    text: bytes


class MadeBook:
    """A book in cents and whole contracts."""

    def __init__(self, rng: random.Random) -> None:
        mid = rng.randint(20, 80)
        self.bids = {mid - 1 - step: rng.randint(50, 500) for step in range(12) if mid - 1 - step > 0}
        self.asks = {mid + 1 + step: rng.randint(50, 500) for step in range(12) if mid + 1 + step < 100}

    def step(self, rng: random.Random) -> tuple[bool, int, int, int]:
        """One change: (is bid, price, size before, size after). Never empties a side, never crosses."""
        is_bid = rng.random() < 0.5
        side = self.bids if is_bid else self.asks
        best = max(side) if is_bid else min(side)
        away = min(int(rng.expovariate(0.45)), 11)
        price = best - away if is_bid else best + away
        if rng.random() < 0.12:
            price = best + 1 if is_bid else best - 1
        if not self._is_free(is_bid, price):
            price = best
        before = side.get(price, 0)
        after = before + rng.randint(1, 200) if rng.random() < 0.5 or not before else before - rng.randint(1, before)
        if rng.random() < 0.12 and len(side) > 4:
            after = 0 if before else after
        if after:
            side[price] = after
        else:
            del side[price]
        return is_bid, price, before, after

    def _is_free(self, is_bid: bool, price: int) -> bool:
        if not 0 < price < 100:
            return False
        return price < min(self.asks) if is_bid else price > max(self.bids)


def kalshi_ticker(number: int) -> str:
    return f"KXNBAGAME-26JAN{number // 2:03d}-{'HOM' if number % 2 == 0 else 'AWY'}"


def condition(number: int) -> str:
    return f"0x{number:064x}"


def token(number: int, outcome: int) -> str:
    return str(10**76 + number * 10 + outcome)


class KalshiTape:
    """`orderbook_delta` frames of one subscription in YES prices, after the frames that open it."""

    def __init__(self, markets: int, seed: int) -> None:
        self._rng = random.Random(seed)
        self._books = [MadeBook(self._rng) for _ in range(markets)]
        self._seq = 0
        self.now_us = START_US

    def opening(self) -> Iterator[Frame]:
        for number, book in enumerate(self._books):
            self._seq += 1
            yes = ",".join(f'["0.{price:02d}00","{qty}.00"]' for price, qty in book.bids.items())
            no = ",".join(f'["0.{price:02d}00","{qty}.00"]' for price, qty in book.asks.items())
            text = (
                f'{{"type":"orderbook_snapshot","sid":1,"seq":{self._seq},"msg":{{"market_ticker":'
                f'"{kalshi_ticker(number)}","market_id":"m","yes_dollars_fp":[{yes}],"no_dollars_fp":[{no}]}}}}'
            )
            yield Frame(self.now_us, text.encode())

    def frames(self, count: int) -> Iterator[Frame]:
        rng = self._rng
        for _ in range(count):
            number = rng.randrange(len(self._books))
            is_bid, price, before, after = self._books[number].step(rng)
            self._seq += 1
            self.now_us += GAP_US
            text = (
                f'{{"type":"orderbook_delta","sid":1,"seq":{self._seq},"msg":{{"market_ticker":"{kalshi_ticker(number)}'
                f'","market_id":"0f32a8cf-1d8f-4b3c-9f0e-8a1f6b0b1c2d","price_dollars":"0.{price:02d}00","delta_fp":'
                f'"{after - before}.00","side":"{"yes" if is_bid else "no"}","ts":"2026-01-09T18:00:00.123456Z",'
                f'"ts_ms":{self.now_us // 1000}}}}}'
            )
            yield Frame(self.now_us, text.encode())


class PolymarketTape:
    """`price_change` frames that tell each change twice, once for each token, after one `book` a market."""

    def __init__(self, markets: int, seed: int) -> None:
        self._rng = random.Random(seed)
        self._books = [MadeBook(self._rng) for _ in range(markets)]
        self.now_us = START_US

    def opening(self) -> Iterator[Frame]:
        for number, book in enumerate(self._books):
            bids = ",".join(f'{{"price":"0.{price:02d}","size":"{qty}"}}' for price, qty in book.bids.items())
            asks = ",".join(f'{{"price":"0.{price:02d}","size":"{qty}"}}' for price, qty in book.asks.items())
            text = (
                f'{{"event_type":"book","market":"{condition(number)}","asset_id":"{token(number, 0)}","timestamp":'
                f'"{self.now_us // 1000}","hash":"","bids":[{bids}],"asks":[{asks}]}}'
            )
            yield Frame(self.now_us, text.encode())

    def frames(self, count: int) -> Iterator[Frame]:
        rng = self._rng
        for _ in range(count):
            number = rng.randrange(len(self._books))
            book = self._books[number]
            is_bid, price, _, after = book.step(rng)
            self.now_us += GAP_US
            best = (max(book.bids), min(book.asks))
            yes = _change(token(number, 0), price, after, is_bid, best)
            no = _change(token(number, 1), 100 - price, after, not is_bid, (100 - best[1], 100 - best[0]))
            text = (
                f'{{"market":"{condition(number)}","price_changes":[{yes},{no}],"timestamp":"{self.now_us // 1000}",'
                f'"event_type":"price_change"}}'
            )
            yield Frame(self.now_us, text.encode())


def _change(asset: str, price: int, size: int, is_bid: bool, best: tuple[int, int]) -> str:
    return (
        f'{{"asset_id":"{asset}","price":"0.{price:02d}","size":"{size}","side":"{"BUY" if is_bid else "SELL"}",'
        f'"hash":"a1b2c3d4e5f60718293a4b5c6d7e8f9012345678","best_bid":"0.{best[0]:02d}","best_ask":"0.{best[1]:02d}"}}'
    )
