"""Paper trading: an account that fills against the live books of a real venue, through the same three doors."""
