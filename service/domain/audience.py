"""What a reader is, as far as a decision may know: platform, country, language; never who."""

from dataclasses import dataclass
from enum import IntEnum

UNKNOWN = "zz"  # the country of whoever cannot be placed, as ISO 3166 leaves it to users


class Platform(IntEnum):
    """The platform as tokens write it; `UNKNOWN` differs from nothing."""

    UNKNOWN = 0
    IOS = 1
    ANDROID = 2
    DESKTOP = 3

    @property
    def label(self) -> str:
        """The word of configuration and reports."""
        return _LABELS[self]


_LABELS = tuple(platform.name.lower() for platform in Platform)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of itself; `macintosh` may still be an iPad (it has touch)."""

    platform: Platform
    bot: bool
    macintosh: bool = False

    def platform_with(self, *, touch: bool) -> Platform:
        """Return the platform, given whether the browser reported touch points."""
        return Platform.IOS if touch and self.macintosh else self.platform

    def contradicts(self, platform: Platform) -> bool:
        """Say whether both platforms are known and differ; an iPad calls itself a Macintosh."""
        if platform is Platform.UNKNOWN or self.platform is Platform.UNKNOWN:
            return False
        if platform is Platform.IOS and self.macintosh:
            return False
        return platform is not self.platform
