"""The Kalshi adapter: everything that knows Kalshi's wire, words and rules, and nothing else does."""
