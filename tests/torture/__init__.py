"""The torture kit: readers with a ledger, and everything that can go wrong on the way to Redis."""
