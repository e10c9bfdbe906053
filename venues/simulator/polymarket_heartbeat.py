"""The dead-man switch: the first heartbeat of an API key arms it, and silence then cancels all the account's orders.

It runs on real time whatever the speed of the world, because it watches a process, not a game; and there is no way to
disarm it. Source: polymarket/FACTS §2.10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from venues.simulator.polymarket_errors import ClobError
from venues.simulator.polymarket_wallets import ApiKey

SILENCE_S = 10.0


class _Armed(msgspec.Struct):
    account_id: str
    expected_id: str
    beaten_s: float
    beats: int = 1
    has_fired: bool = False


class Heartbeats:
    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._armed: dict[str, _Armed] = {}

    def beat(self, key: ApiKey, heartbeat_id: str) -> dict[str, str]:
        """Accept a beat and give the id of the next one. Raises ClobError 400 with the id that was expected; such a
        beat does not count."""
        name = key.credentials.api_key
        armed = self._armed.get(name)
        if armed is None:
            armed = self._armed[name] = _Armed(key.wallet.account_id, "", self._wall_s())
        elif heartbeat_id != armed.expected_id:
            text = "Invalid Heartbeat ID"
            raise ClobError(400, text, body={"error_msg": text, "heartbeat_id": armed.expected_id})
        armed.expected_id = _next_id(name, armed.beats)
        armed.beats += 1
        armed.beaten_s = self._wall_s()
        armed.has_fired = False
        return {"heartbeat_id": armed.expected_id}

    def overdue(self) -> list[str]:
        """Accounts whose switch fires now; each silence fires once."""
        limit_s = self._wall_s() - SILENCE_S
        dead = [each for each in self._armed.values() if not each.has_fired and each.beaten_s < limit_s]
        for each in dead:
            each.has_fired = True
        return [each.account_id for each in dead]


def _next_id(api_key: str, beats: int) -> str:
    digest = hashlib.blake2b(f"{api_key}|{beats}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
