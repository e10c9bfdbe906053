"""Seeded runs of the real trader against the real simulators, in one thread and on virtual time."""
