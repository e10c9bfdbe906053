"""The pure core of the trader: messages in, commands out. No I/O, clock, randomness, logging or Django in here."""
