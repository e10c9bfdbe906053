"""The house's part of both books: makers around the fair price, takers, and small differences between the venues.

Pure and deterministic: a flow has a random stream of its own, acts only at its own moments of virtual time, and looks
at nothing but the fair price, so client orders never change what it does next.
"""
