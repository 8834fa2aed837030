"""Turns an overview into the reports page's HTML; asks for nothing and decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from markupsafe import Markup

from service.domain.buckets import article_days
from service.domain.catalog import Catalog
from service.domain.events import UNUSED
from service.domain.overview import Figures, Overview
from service.domain.rates import Rate
from service.domain.reporting import Query
from service.web.charts import Slot, draw, tick_every
from service.web.pages import render
from service.web.report_words import arm_lines, long_day, meaning, shown_interval, shown_rate

# Ours and without a tag in it, so safe unescaped within the style element.
_CSS = Markup((Path(__file__).parent / "static" / "report.css").read_text("utf-8"))  # noqa: S704  see above
_EPOCH = date(1970, 1, 1)
_SERIES = (
    ("views", "Views"), ("impressions", "Impressions"), ("viewable", "Viewable impressions"),
    ("clicks", "Clicks"), ("shares", "Shares"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One ready-made range: where its link goes and whether it is the one shown."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the figures: the choices made and to be made."""

    catalog: Catalog
    site: str | None
    now_ms: int
    tz: str  # blank unless asked for
    public_url: str
    nonce: str
    ranges: Sequence[Choice]


def figures_page(frame: Frame, query: Query, overview: Overview) -> str:
    """Return the page with a range's figures."""
    slots = _slots(query, overview)
    total, ledger = overview.total, overview.ledger
    return _framed(
        frame,
        problem=None,
        period=_period(query),
        first_day=query.starts.date().isoformat(),
        last_day=_last_day(query).isoformat(),
        now=datetime.fromtimestamp(frame.now_ms // 1_000, query.zone),
        zone=query.tz,
        overview=overview,
        grain=query.by[0],
        running=query.end > query.now,
        chart=draw(slots),
        table=[(slot.label, slot.figures) for slot in slots if slot.figures is not None],
        series_names=_SERIES,
        per_view=Rate(total.impressions, total.views, 1),
        shared_rate=Rate(overview.shared_visits, total.views),
        campaigns=[(_campaign(frame, name), one) for name, one in overview.campaigns.items()],
        networks=[(_network(frame, line.network), line) for line in overview.networks],
        sources=[(_network(frame, name), one) for name, one in overview.sources.items()],
        arms=arm_lines(overview.arms),
        reasons=[(*meaning(reason), count) for reason, count in ledger.reasons.items()],
        nameless=[(meaning(reason)[0], count) for reason, count in ledger.nameless.items()],
        share_of=lambda count: Rate(count, ledger.gross),
        article_period=_article_period(query),
    )


def problem_page(frame: Frame, title: str, detail: str) -> str:
    """Return the page with a way to mend the request instead of figures."""
    return _framed(
        frame,
        problem={"title": title, "detail": detail},
        period="",
        first_day="",
        last_day="",
        now=datetime.fromtimestamp(frame.now_ms // 1_000, UTC),
        zone="UTC",
    )


def _framed(frame: Frame, **values: object) -> str:
    site = frame.catalog.sites.get(frame.site or "")
    return render(
        "report.html",
        heading=site.name if site else "All sites",
        site=site.id if site else "",
        sites=sorted(frame.catalog.sites.values(), key=lambda one: one.name),
        ranges=frame.ranges,
        tz=frame.tz,
        public_url=frame.public_url,
        nonce=frame.nonce,
        css=_CSS,
        n=lambda number: f"{number:,}",
        shown_rate=shown_rate,
        shown_interval=shown_interval,
        web_address=lambda url: url.startswith(("https://", "http://")),
        **values,
    )


def _slots(query: Query, overview: Overview) -> list[Slot]:
    nothing = Figures()
    if query.by == ("hour",):
        hours = range(query.start, max(query.end, _midnight_after(query)))
        every = tick_every(len(hours), (1, 2, 3, 6, 12))
        return [
            Slot(
                _hour_label(query, hour),
                f"{_local(query, hour):%H:%M}" if index % every == 0 else None,
                overview.series.get(hour, nothing) if hour <= query.now else None,
            )
            for index, hour in enumerate(hours)
        ]
    first, last = query.starts.date(), _last_day(query)
    days = [first + timedelta(days=index) for index in range((last - first).days + 1)]
    every = tick_every(len(days), (1, 2, 7, 14, 28, 56))
    return [
        Slot(
            f"{day:%a} {long_day(day)}",
            f"{day.day} {day:%b}" if index % every == 0 else None,
            overview.series.get((day - _EPOCH).days, nothing),
        )
        for index, day in enumerate(days)
    ]


def _local(query: Query, hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3_600, query.zone)


def _hour_label(query: Query, hour: int) -> str:
    start = _local(query, hour)
    return f"{start.day} {start:%b, %H:%M}–{_local(query, hour + 1):%H:%M}"


def _midnight_after(query: Query) -> int:
    """Return the hour at which the day of now ends, if the range reaches now, else its end."""
    if query.end <= query.now:
        return query.end
    tomorrow = _local(query, query.now).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=query.zone)
    return int(midnight.timestamp()) // 3_600


def _last_day(query: Query) -> date:
    return _local(query, min(query.end, max(query.now, query.start) + 1) - 1).date()


def _period(query: Query) -> str:
    first, last = query.starts.date(), _last_day(query)
    if first == last:
        return f"{first:%A}, {long_day(first)}"
    shown = f"{first.day} {first:%B}" if first.year == last.year else long_day(first)
    return f"{shown} to {long_day(last)}"


def _article_period(query: Query) -> str:
    days = [_EPOCH + timedelta(days=bucket.hour // 24) for bucket in article_days(query)]
    if len(days) < 2:  # noqa: PLR2004  one day is not a range
        return long_day(days[0]) if days else "none"
    return f"{long_day(days[0])} to {long_day(days[-1])}"


def _campaign(frame: Frame, name: str) -> str:
    campaign = frame.catalog.campaigns.get(name)
    app = frame.catalog.apps.get(campaign.app) if campaign else None
    return f"{name} · {app.name}" if app else name


def _network(frame: Frame, name: str) -> str:
    if name == UNUSED:
        return "Direct, search and everything else"
    network = frame.catalog.networks.get(name)
    return network.name if network else name
