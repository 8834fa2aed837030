"""What the log of a sound service never says, whatever became of its Redis; judges no figures."""

from tests.serving import Serving

# Of the interpreter, the event loop and the Redis client: somebody forgot or leaked something.
_COMPLAINTS = (
    *("Traceback", "never retrieved", "never awaited", "Unclosed", "unclosed", "ResourceWarning"),
    *("background part failed", "shard halted", "Redis lost what no journal retains"),
)


def complaints(service: Serving) -> list[str]:
    """Return the lines of a service's log that a sound one would not write."""
    return [line for line in service.log if any(word in line for word in _COMPLAINTS)]
