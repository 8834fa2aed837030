"""Browsers as they write themselves in 2026: user agents and headers; sends nothing, no robots.

Both sides of a comparison get these, byte for byte, so that neither profits from short headers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from service.domain.audience import Platform

ORIGIN = "https://bench.example"
CHROME = range(122, 148)
FIREFOX = range(128, 146)
IOS = ("17.6", "17.7", "18.0", "18.1", "18.2", "18.3", "18.4", "18.5", "18.6", "26.0", "26.1")
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
PHONES = (
    *("SM-S921B", "SM-S911B", "SM-A546B", "SM-A356B", "SM-A155F", "SM-G991B", "Pixel 6", "Pixel 7"),
    *("Pixel 8", "Pixel 9 Pro", "2201117TG", "23021RAA2Y", "CPH2581", "XT2347-2", "M2102J20SG"),
)
IPHONES = ("iPhone13,2", "iPhone14,5", "iPhone15,2", "iPhone15,4", "iPhone16,1", "iPhone17,3")


@dataclass(frozen=True, slots=True)
class Browser:
    """One user agent, what it runs on, and the client hints it sends (whole header lines)."""

    agent: str
    platform: Platform
    hints: str = ""

    def headers(self, *, navigates: bool = False) -> str:
        """Return the header lines of a request by the embed, or of a click on a link."""
        mode, dest = ("navigate", "document") if navigates else ("cors", "empty")
        origin = "" if navigates else f"Origin: {ORIGIN}\r\n"
        return (
            f"Host: ads.bench.example\r\nConnection: keep-alive\r\n{self.hints}"
            f"User-Agent: {self.agent}\r\nAccept: */*\r\n{origin}"
            f"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n"
            f"Referer: {ORIGIN}/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
            "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n"
        )


def browsers() -> tuple[Browser, ...]:
    """Return more than five hundred browsers, each different."""
    return (*_chromes(), *_firefoxes(), *_iphones(), *_in_apps())


def _chromes() -> Iterator[Browser]:
    systems = (
        ("Windows NT 10.0; Win64; x64", "Windows"),
        ("Macintosh; Intel Mac OS X 10_15_7", "macOS"),
        ("X11; Linux x86_64", "Linux"),
        ("Linux; Android 10; K", "Android"),
    )
    for major in CHROME:
        for system, name in systems:
            mobile = name == "Android"
            platform = Platform.ANDROID if mobile else Platform.DESKTOP
            chrome = f"Mozilla/5.0 ({system}) {WEBKIT} Chrome/{major}.0.0.0"
            tail = " Mobile Safari/537.36" if mobile else " Safari/537.36"
            yield Browser(chrome + tail, platform, _hints("Google Chrome", major, name, mobile))
            if name in {"Windows", "macOS"}:
                hints = _hints("Microsoft Edge", major, name, mobile)
                yield Browser(f"{chrome}{tail} Edg/{major}.0.0.0", platform, hints)


def _hints(brand: str, major: int, name: str, mobile: bool) -> str:
    return (
        f'sec-ch-ua: "Chromium";v="{major}", "{brand}";v="{major}", "Not?A_Brand";v="24"\r\n'
        f'sec-ch-ua-mobile: ?{mobile:d}\r\nsec-ch-ua-platform: "{name}"\r\n'
    )


def _firefoxes() -> Iterator[Browser]:
    systems = (
        ("Windows NT 10.0; Win64; x64", Platform.DESKTOP),
        ("Macintosh; Intel Mac OS X 10.15", Platform.DESKTOP),
        ("X11; Linux x86_64", Platform.DESKTOP),
        ("Android 15; Mobile", Platform.ANDROID),
    )
    for major in FIREFOX:
        for system, platform in systems:
            gecko = f"{major}.0" if platform is Platform.ANDROID else "20100101"
            agent = f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/{gecko} Firefox/{major}.0"
            yield Browser(agent, platform)


def _iphones() -> Iterator[Browser]:
    for version in IOS:
        system = f"iPhone; CPU iPhone OS {version.replace('.', '_')} like Mac OS X"
        safari = f"Mozilla/5.0 ({system}) {IOS_WEBKIT}"
        yield Browser(f"{safari} Version/{version} Mobile/15E148 Safari/604.1", Platform.IOS)
        for major in CHROME[::4]:
            chrome = f"CriOS/{major}.0.6478.54 Mobile/15E148 Safari/604.1"
            yield Browser(f"{safari} {chrome}", Platform.IOS)


def _in_apps() -> Iterator[Browser]:
    for major in CHROME[::2]:
        for phone in PHONES:
            system = f"Linux; Android 14; {phone} Build/UP1A.231005.007; wv"
            view = f"Version/4.0 Chrome/{major}.0.6723.86 Mobile Safari/537.36"
            app = f"[FB_IAB/FB4A;FBAV/{major + 350}.0.0.41.98;]"
            agent = f"Mozilla/5.0 ({system}) {WEBKIT} {view} {app}"
            hints = _hints("Android WebView", major, "Android", mobile=True)
            yield Browser(agent, Platform.ANDROID, hints)
    for version in IOS:
        for model in IPHONES:
            system = f"iPhone; CPU iPhone OS {version.replace('.', '_')} like Mac OS X"
            app = f"[FBAN/FBIOS;FBAV/480.0.0.35.109;FBDV/{model};FBMD/iPhone;FBSV/{version}]"
            agent = f"Mozilla/5.0 ({system}) {IOS_WEBKIT} Mobile/22B83 {app}"
            yield Browser(agent, Platform.IOS)
