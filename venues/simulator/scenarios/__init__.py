"""Scenario files: which games a generated run begins with and how its calendar is kept full."""
