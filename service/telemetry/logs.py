"""Structured logs, as lines for programs or for a terminal; keeps and sends none itself."""

import logging
import sys

import structlog

LogEvent = structlog.typing.FilteringBoundLogger


def configure_logs(*, style: str) -> None:
    """Send structured logs to standard error, as `json` lines or `text` for a terminal."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger() -> LogEvent:
    """Return the structured logger; events are short phrases, facts are keyword arguments."""
    log: LogEvent = structlog.get_logger()
    return log
