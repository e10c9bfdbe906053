"""The shell around the pure session: feeds in, orders out, every fact written down on the way.

supervised.py   tasks that are restarted when they die
database.py     the threads that own the engine's database connections
clock.py        whose time it is: the wall's, or the simulated venues'
desk.py         one user's accounts and their doors
discovery.py    which games and markets are watched, and which belong together
executor.py     an order in three steps: written, sent, written
ledger.py       reports from the venues into rows, then into the session
catchup.py      what the venue knows and we do not, asked at start, after each reconnect and now and then
publisher.py    what pages see, at most four times a second
engine.py       puts them together
lockstep.py     the same, one virtual step at a time: replays that repeat exactly
"""
