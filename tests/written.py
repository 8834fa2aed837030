"""Campaigns written into a copy of the example configuration, and what is found wrong there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CAMPAIGN = """id: {name}
app: vital-signs
tier: {tier}
flights: [{flights}]
{more}
creatives:
  - {{id: {name}-1, headline: H, placements: [top]{creative}}}
"""


@dataclass(frozen=True)
class Written:
    """A configuration directory under a test's hand."""

    directory: Path

    def campaign(
        self, name: str = "c", more: str = "", *, creative: str = "", tier: str = "standard",
        flights: str = "{start: 2026-01-01T00:00:00Z}",
    ) -> "Written":  # fmt: skip
        """Write a campaign: `more` from its line 5 on, one creative below."""
        text = CAMPAIGN.format(name=name, more=more, creative=creative, tier=tier, flights=flights)
        (self.directory / "campaigns" / f"{name}.yaml").write_text(text)
        return self

    def site(self, more: str) -> "Written":
        """Add lines to the example's site."""
        with (self.directory / "sites" / "example.yaml").open("a") as file:
            file.write(f"\n{more}\n")
        return self

    def problems(self) -> list[Problem]:
        """Return all problems, which are warnings only where it loads."""
        try:
            return list(load_catalog(self.directory, now=NOW)[1])
        except BadConfiguration as bad:
            return list(bad.problems)

    def found(self) -> list[tuple[str, int, str, str]]:
        """Return all problems as file, line, field and message."""
        return [(Path(p.file).name, p.line, p.field, p.message) for p in self.problems()]

    def only(self, *, warning: bool = False) -> tuple[str, int, str]:
        """Return field, line and message of the one problem there is, of c.yaml."""
        (problem,) = self.problems()
        assert (Path(problem.file).name, problem.warning) == ("c.yaml", warning)
        return problem.field, problem.line, problem.message

    def loaded(self) -> Catalog:
        """Return the catalogue."""
        return load_catalog(self.directory, now=NOW)[0]
