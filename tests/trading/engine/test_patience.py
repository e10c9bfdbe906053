"""A key that was refused is tried ever more rarely, another one at once."""

from __future__ import annotations

from trading.engine.patience import FIRST_S, MOST_S, KeyPatience


def test_pauses_double_up_to_minutes_and_begin_anew_with_another_key_or_a_success():
    patience, now_s, pauses = KeyPatience(), 0.0, []
    for _ in range(9):
        pauses.append(patience.refuse("ann", "key", now_s=now_s))
        assert patience.is_waiting("ann", "key", now_s=now_s + pauses[-1] - 0.1)
        now_s += pauses[-1]
        assert not patience.is_waiting("ann", "key", now_s=now_s)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert pauses[0] == FIRST_S and pauses[-1] == MOST_S
    assert patience.refuse("ann", "another key", now_s=now_s) == FIRST_S
    patience.accept("ann")
    assert not patience.has_refused("ann")
    assert patience.refuse("ann", "another key", now_s=now_s) == FIRST_S


def test_another_key_and_another_person_wait_for_nothing():
    patience = KeyPatience()
    patience.refuse("ann", "key", now_s=0.0)
    assert not patience.is_waiting("ann", "another key", now_s=0.0)
    assert not patience.is_waiting("bob", "key", now_s=0.0)
