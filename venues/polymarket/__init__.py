"""Polymarket, international venue: order book on HTTP and sockets, settlement on Polygon, orders signed with EIP-712.

Only this package knows condition ids, token ids, exchange contracts, wei and the venue's words. The seven usual modules
(`constants schemas parse sign fees client stream`) are split by topic where one would grow too long.
"""
