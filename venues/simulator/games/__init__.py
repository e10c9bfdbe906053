"""Seeded games of six sports: score, clock, period, status and fair price move together.

Pure and in virtual time: a game changes only when `Game.advance` reaches its next moment, and the same seed gives the
same game whatever happens around it.
"""
