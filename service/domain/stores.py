"""Store links, compiled per platform at click time; follows none and knows no device."""

from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote

from service.domain.ads import App
from service.domain.audience import Platform

CT_CHARS_MAX = 30  # App Store Connect's limit for campaign tokens


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a store visit comes from; coarse on purpose, `click_id` empty when unknown."""

    site: str
    campaign: str
    creative: str
    placement: str
    click_id: str = ""


def store_link(app: App, platform: Platform, origin: Origin, landing: str) -> str:
    """Return the address for a reader's platform; `landing` serves whoever has no store here."""
    if platform is Platform.IOS and app.ios is not None:
        return app_store_link(app, origin)
    if platform is Platform.ANDROID and app.android is not None:
        return play_link(app, origin)
    return landing


def app_store_link(app: App, origin: Origin) -> str:
    """Return the App Store address with its campaign token.

    Apple hides a token below five first downloads, so it names campaign and placement only; it
    counts for nothing without the provider token, and is then left out.
    """
    if app.ios is None:
        raise ValueError(f"{app.id} is not in the App Store")
    address = f"https://apps.apple.com/app/apple-store/id{app.ios.id}"
    if app.ios.provider is None:
        return f"{address}?mt=8"
    token = campaign_token(origin.campaign, origin.placement)
    return f"{address}?pt={app.ios.provider}&ct={token}&mt=8"


def campaign_token(campaign: str, placement: str) -> str:
    """Return `campaign-placement` within 30 characters; a longer one keeps a digest's 8."""
    token = f"{campaign}-{placement}"
    if len(token) <= CT_CHARS_MAX:
        return token
    digest = blake2b(token.encode(), digest_size=4).hexdigest()
    return f"{token[: CT_CHARS_MAX - 9]}-{digest}"


def play_link(app: App, origin: Origin) -> str:
    """Return the Google Play address whose referrer, one encoded utm string, reaches the app."""
    if app.android is None:
        raise ValueError(f"{app.id} is not in Google Play")
    referrer = (
        f"utm_source={origin.site}&utm_medium=app-ad&utm_campaign={origin.campaign}"
        f"&utm_content={origin.creative}.{origin.placement}"
    )
    if origin.click_id:
        referrer += f"&hb_click={origin.click_id}"
    package = app.android.package
    return (
        f"https://play.google.com/store/apps/details?id={package}"
        f"&referrer={quote(referrer, safe='')}"
    )
