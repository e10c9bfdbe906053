"""Strategies: given a market that changed, which commands follow."""
