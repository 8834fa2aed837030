"""Handbill: decides which app ad an article shows, links its shares, and counts what readers do."""

__version__ = "2026.11.0"
