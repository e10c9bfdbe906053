"""Read models of the trader: what pages, the API, the rules and the engine's start read."""
