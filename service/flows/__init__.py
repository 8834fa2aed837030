"""The use cases (decide, record, ship, plan, report) and the ports they need; no framework here."""
