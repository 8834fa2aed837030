"""The composition root: where ports meet adapters, and how the process starts and stops."""

from service.app.running import serve

__all__ = ["serve"]
