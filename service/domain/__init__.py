"""Values and pure functions; does no I/O, reads no clock, draws no randomness of its own."""
