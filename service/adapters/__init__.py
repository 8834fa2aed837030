"""What the ports meet outside: files, SQLite, Redis, user agents; nothing here knows HTTP."""
