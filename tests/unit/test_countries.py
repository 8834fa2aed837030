"""An address's country: by the operator's database, else by the registries, else none."""

import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from service.adapters.countries import countries, locate, locator
from service.adapters.country_database import open_country_database
from service.domain.errors import BadConfiguration
from tests.mmdb import mmdb

GERMAN, DOCUMENTED = "5.9.0.1", "198.51.100.7"
NOT_ADDRESSES = ("", "x", "1.2.3", "1.2.3.4.5", "::g", "5.9.0.1/8", "\udcff", "9" * 10_000)
RECORDS: dict[str, Any] = {
    "192.0.2.0/24": {"country": {"iso_code": "FR", "names": {"en": "France"}},
                     "registered_country": {"iso_code": "US"}},
    "198.51.100.0/24": {"registered_country": {"iso_code": "PT"}},
    "203.0.113.0/24": {"country": "Austria", "country_code": "AT", "asn": "AS64496"},
    "2001:db8::/32": {"country": "CH", "country_name": "Switzerland"},
    "10.0.0.0/8": {"country": {"iso_code": "XX"}},
    "11.0.0.0/8": {"country": {"names": {"en": "y" * 200}}},
    "12.0.0.0/8": "DE",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(mmdb(RECORDS))
    return file


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.9", "fr"), (DOCUMENTED, "pt"), ("203.0.113.1", "at"), ("2001:db8::1", "ch"),
        ("10.1.1.1", "zz"), ("11.1.1.1", "us"), (GERMAN, "de"), ("127.0.0.1", "zz"),
        *((text, "zz") for text in NOT_ADDRESSES),
    ],
)  # fmt: skip
def test_the_database_tells_else_the_registries(file: Path, address: str, country: str) -> None:
    assert locator(file)(address) == country
    assert country in countries()


def test_without_a_database_the_registries_tell() -> None:
    assert locator(None) is locate
    assert [locate(one) for one in (GERMAN, DOCUMENTED, *NOT_ADDRESSES)] == [
        "de", "zz", *("zz" for _ in NOT_ADDRESSES)
    ]  # fmt: skip


def test_a_file_that_is_written_over_stays_as_it_was_read(file: Path) -> None:
    found = locator(file)
    file.write_bytes(b"")
    assert found("192.0.2.9") == "fr"


def refusal(file: Path) -> str:
    with pytest.raises(BadConfiguration) as caught:
        open_country_database(file)
    (problem,) = caught.value.problems
    assert problem.field == "--country-db"
    return problem.message


def test_a_file_that_tells_no_countries_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.mmdb"
    assert "may read" in refusal(file)
    assert "may read" in refusal(tmp_path)
    for content in (b"", b"no database", mmdb(RECORDS)[:-40], mmdb(RECORDS)[300:]):
        file.write_bytes(content)
        assert "MaxMind's format" in refusal(file)
    networks = {"10.0.0.0/8": {"autonomous_system_number": 64_496}, "11.0.0.0/8": {"country": "ZZ"}}
    file.write_bytes(mmdb(networks, "Test-ASN"))
    assert "database of countries" in refusal(file)


def test_without_the_package_it_says_what_to_install(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    assert "extra geo" in refusal(file)


def test_no_damage_raises_once_it_is_open(file: Path) -> None:
    whole, chance = file.read_bytes(), Random(7)
    for _ in range(300):
        raw = bytearray(whole)
        for _ in range(3):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        file.write_bytes(raw)
        try:
            found = locator(file)
        except BadConfiguration:
            continue
        assert {found(f"{n}.0.2.9") for n in range(1, 224)} <= countries()
