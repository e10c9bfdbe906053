"""Recorded games played again: their quotes as liquidity, their plays as the game feed, never a moment too early."""
