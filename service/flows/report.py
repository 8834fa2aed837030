"""Answers a report's query from the counts; keeps nothing and judges nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import islice

from service.domain.arms import arms
from service.domain.buckets import Bucket, article_days, buckets
from service.domain.folding import Fold, Row, article_fold, utc_month
from service.domain.names import ArticleName, article_field, read_article_name
from service.domain.overview import (
    ARTICLES_SHOWN,
    ArticleLine,
    Overview,
    article_lines,
    figures,
    ledger,
    named,
    network_lines,
    total_of,
)
from service.domain.reporting import Query
from service.flows.ports import CountsReader

FIELDS_AT_ONCE = 500  # about a millisecond of folding


class Reports:
    """The one reader of counts for people and their programs."""

    def __init__(self, reader: CountsReader) -> None:
        self._reader = reader

    async def rows(self, query: Query) -> list[Row]:
        """Return the query's rows, sorted; article rows gain `url` and `title` where known.

        Raises `CountsUnavailable`, and `BadInput` for more rows than one answer may have.
        """
        if "article" not in query.by:
            fold = Fold(query, query.by)
            await _feed(self._reader.counts(buckets(query)), fold)
            return fold.rows()
        fold = await self._article_fold(query)
        rows = fold.rows()
        names = await self.article_names(query, {str(row["article"]) for row in rows})
        return [_named(row, names) for row in rows]

    async def overview(self, query: Query) -> Overview:
        """Return the figures of a range whose `by` is `hour` or `day`: the grain of its series.

        Article figures are of every UTC day that the range touches. Raises as `rows` does.
        """
        by = (query.by[0], "campaign", "placement", "source", "network")
        folds = [Fold(query, (name, "kind")) for name in by]
        verdicts = Fold(replace(query, site=None), ("site", "verdict", "arm"))
        by_arm = Fold(query, ("arm", "verdict", "kind"))
        await _feed(self._reader.counts(buckets(query)), *folds, verdicts, by_arm)
        series, campaigns, placements, sources, shares = (figures(fold.sums()) for fold in folds)
        came = named(sources, unused=True)
        lines = article_lines((await self._article_fold(_per_article(query))).sums())
        return Overview(
            total_of(series.values()),
            {int(when): one for when, one in sorted(series.items())},
            named(campaigns),
            named(placements),
            came,
            network_lines(named(shares), came),
            ledger(verdicts.sums(), query.site),
            await self._named_lines(query, lines[:ARTICLES_SHOWN]),
            len(lines),
            arms(by_arm.sums()) if query.site is not None else {},
        )

    async def _named_lines(self, query: Query, lines: list[ArticleLine]) -> tuple[ArticleLine, ...]:
        names = await self.article_names(query, {line.article for line in lines})
        return tuple(replace(line, name=names.get(line.article)) for line in lines)

    async def article_names(self, query: Query, ids: set[str]) -> dict[str, ArticleName]:
        """Return the address and title of those articles (hex ids) that a page view named."""
        first_hours = {utc_month(day): day.hour for day in reversed(article_days(query))}
        fields = sorted(article_field(article) for article in ids)
        if not fields or not first_hours:
            return {}
        texts = await self._reader.names(sorted(first_hours.values()), fields)
        found = ((article, texts.get(article_field(article))) for article in ids)
        return {article: read_article_name(text) for article, text in found if text is not None}

    async def _article_fold(self, query: Query) -> Fold:
        fold = article_fold(query)
        await _feed(self._reader.articles(article_days(query)), fold)
        return fold


async def _feed(hashes: AsyncIterator[tuple[Bucket, Mapping[str, int]]], *folds: Fold) -> None:
    async for bucket, counts in hashes:
        rest = iter(counts.items())
        while some := dict(islice(rest, FIELDS_AT_ONCE)):
            for fold in folds:
                fold.add(bucket, some)
            await asyncio.sleep(0)  # readers' requests come between the slices of a long report


def _per_article(query: Query) -> Query:
    return replace(query, by=("article", "source", "kind"))


def _named(row: Row, names: Mapping[str, ArticleName]) -> Row:
    name = names.get(str(row["article"]))
    return row if name is None else {**row, "url": name.url, "title": name.title}
