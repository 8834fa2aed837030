"""The benchmark: the service against a bare aiohttp server, in interleaved rounds of one run."""
