"""Both venues and the game feed as local servers: a deterministic world behind the wires of the real ones."""
