"""The instruments ops read: Prometheus metrics and structured logs; decides nothing."""
