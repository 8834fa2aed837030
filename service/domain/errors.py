"""The service's errors, one small tree named by fact; carries data, never HTTP statuses."""

from dataclasses import dataclass


class HandbillError(Exception):
    """Anything this service raises on purpose."""


class BadInput(HandbillError):
    """A caller's value is unusable; `field` names it, `message` says how to mend it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotAToken(HandbillError):
    """A text cannot be a token at all: wrong alphabet, length, version or form."""


class UnknownSite(HandbillError):
    """No site of that id is configured."""


class NotAllowed(HandbillError):
    """The site does not list this article address or origin; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class JournalRefused(HandbillError):
    """The journal is at a bound or failing; nothing of this request was recorded."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class JournalUnreadable(HandbillError):
    """A journal's file cannot be read; what was acknowledged from it may be lost."""


class RedisAway(HandbillError):
    """Redis does not answer or cannot write now; nothing is lost, go on from its mark later."""


class ShardHalted(HandbillError):
    """Applying again would do harm, or cannot help until somebody looks; `lasting` says which."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


class CountsUnavailable(HandbillError):
    """The counts cannot be read now; nothing is lost, ask again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the configuration: where it is, what is wrong, what would be right.

    Line 0 is for what has no lines, such as settings.
    """

    file: str
    line: int
    field: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        level = "warning" if self.warning else "error"
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {level}: {self.field}: {self.message}"


class BadConfiguration(HandbillError):
    """The configuration cannot be used; every problem at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
