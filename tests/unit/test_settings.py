"""Settings are read once, sound as a whole, and every problem is told at once."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import BadConfiguration
from service.settings.flags import FLAGS
from service.settings.reading import read_settings
from service.settings.values import Address, Settings

DEFAULTS = Settings(
    config=Path("config"),
    data=Path("var"),
    keys=Path("var/keys"),
    public=Address("127.0.0.1", 8080),
    internal=Address("127.0.0.1", 8081),
    public_url=None,
    redis_url=None,
    embedded=True,
    embedded_bin=None,
    report_auth=None,
    trusted_proxies=(),
    country_header=None,
    country_db=None,
    journal_max_bytes=1 << 30,
    grace_s=0.0,
    demo=True,
    log="json",
)
GIVEN: dict[str, tuple[str, str, Any]] = {
    "config": ("/etc/handbill", "config", Path("/etc/handbill")),
    "data": ("/data", "data", Path("/data")),
    "keys": ("/run/secrets/keys", "keys", Path("/run/secrets/keys")),
    "public": ("10.0.0.1:80", "public", Address("10.0.0.1", 80)),
    "internal": ("[::1]:0", "internal", Address("::1", 0)),
    "public-url": ("https://ads.example/hb/", "public_url", "https://ads.example/hb"),
    "redis-url": ("rediss://:pw@redis.example:6380/0", "redis_url", None),
    "embedded-bin": ("/usr/bin/redis-server", "embedded_bin", Path("/usr/bin/redis-server")),
    "report-auth": ("desk:pa:ss", "report_auth", "desk:pa:ss"),
    "trusted-proxies": (
        "10.0.0.0/8, fd00::/8,192.0.2.1",
        "trusted_proxies",
        (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.0.2.1/32")),
    ),
    "country-header": ("X-Country", "country_header", "X-Country"),
    "country-db": ("/data/countries.mmdb", "country_db", Path("/data/countries.mmdb")),
    "journal-max": ("512MiB", "journal_max_bytes", 512 << 20),
    "grace": ("7.5", "grace_s", 7.5),
    "demo": ("off", "demo", False),
    "log": ("text", "log", "text"),
}


def test_without_flags_and_environment_it_serves_readers_and_itself_on_loopback() -> None:
    assert _read() == DEFAULTS


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS if flag.name != "embedded"])
def test_each_setting_is_a_flag_and_a_variable_of_the_same_name(name: str) -> None:
    text, field, value = GIVEN[name]
    variable = "HANDBILL_" + name.upper().replace("-", "_")
    from_environment = _read(**{variable: text})
    from_flag = _read("--no-demo") if name == "demo" else _read(f"--{name}", text)
    assert from_environment == from_flag
    assert getattr(from_flag, field) == (value if value is not None else text)


def test_an_engine_is_embedded_unless_that_is_refused() -> None:
    redis = ("--redis-url", "redis://r")
    assert not _read("--embedded", "never", *redis).embedded
    assert not _read(*redis, HANDBILL_EMBEDDED="never").embedded
    assert _problems("--embedded", "never") == ["--redis-url"]


def test_a_flag_wins_over_the_environment_and_an_empty_variable_over_nothing() -> None:
    assert _read("--grace", "2", HANDBILL_GRACE="1").grace_s == 2
    assert _read(HANDBILL_GRACE="").grace_s == 0


def test_the_keys_are_beside_the_data_unless_told() -> None:
    assert _read("--data", "/data").keys == Path("/data/keys")


def test_the_demo_is_shown_only_with_the_embedded_engine_unless_asked_for() -> None:
    redis = ("--redis-url", "redis://r")
    assert not _read(*redis).demo
    assert _read(*redis, "--demo").demo
    assert _read(*redis, HANDBILL_DEMO="Yes").demo
    assert not _read("--no-demo", HANDBILL_DEMO="on").demo


REFUSED = {
    "no port": ("--public", "127.0.0.1"),
    "empty port": ("--public", "127.0.0.1:"),
    "port of letters": ("--public", "127.0.0.1:http"),
    "port too high": ("--public", "127.0.0.1:65536"),
    "port with zeros": ("--public", "127.0.0.1:00000099999"),
    "Arabic port": ("--public", "127.0.0.1:\u0668\u0660"),
    "address as URL": ("--public", "http://127.0.0.1:8080"),
    "nothing": ("--public", ""),
    "other scheme": ("--public-url", "ftp://ads.example"),
    "no scheme": ("--public-url", "ads.example"),
    "no host": ("--public-url", "https://"),
    "only a slash": ("--public-url", "/"),
    "capitals": ("--public-url", "https://Ads.Example"),
    "query": ("--public-url", "https://ads.example/?a=b"),
    "fragment": ("--public-url", "https://ads.example/#a"),
    "user": ("--public-url", "https://user@ads.example"),
    "line end": ("--public-url", "https://ads.example/\r\nSet-Cookie:x"),
    "half an IPv6": ("--public-url", "https://[::1"),
    "port of a URL": ("--public-url", "https://ads.example:80a"),
    "other database": ("--redis-url", "postgres://db"),
    "no Redis scheme": ("--redis-url", "redis"),
    "neither": ("--embedded", "maybe"),
    "no password": ("--report-auth", "desk:"),
    "no user": ("--report-auth", ":password"),
    "no colon": ("--report-auth", "desk"),
    "everybody": ("--trusted-proxies", "0.0.0.0/0"),
    "everybody by IPv6": ("--trusted-proxies", "10.0.0.0/8,::/0"),
    "host bits": ("--trusted-proxies", "10.0.0.1/8"),
    "names": ("--trusted-proxies", "proxy.example"),
    "under 1 MiB": ("--journal-max", "1023KiB"),
    "decimal unit": ("--journal-max", "5MB"),
    "no number": ("--journal-max", "MiB"),
    "negative": ("--journal-max", "-5MiB"),
    "dotless i": ("--journal-max", "5Mıb"),
    "superscript": ("--journal-max", "5²MiB"),
    "astronomic": ("--journal-max", "9" * 5_000),
    "negative time": ("--grace", "-1"),
    "no time": ("--grace", "."),
    "superscript time": ("--grace", "²"),
    "for ever": ("--grace", "inf"),
    "as good as for ever": ("--grace", "9" * 400),
    "log style": ("--log", "xml"),
}


@pytest.mark.parametrize(("flag", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_is_refused_by_name(flag: str, text: str) -> None:
    assert _problems(f"{flag}={text}") == [flag]


def test_every_problem_is_told_at_once() -> None:
    arguments = [f"{flag}={text}" for flag, text in dict(REFUSED.values()).items()]
    assert _problems(*arguments, HANDBILL_DEMO="perhaps") == sorted(
        {flag for flag, _ in REFUSED.values()} | {"--demo"}
    )


@given(st.sampled_from(FLAGS), st.text(max_size=40).filter(lambda text: "\x00" not in text))
def test_any_text_is_a_setting_or_a_problem(flag: Any, text: str) -> None:
    settings = _read_or_none(**{flag.variable: text})
    if settings is not None:
        assert settings.journal_max_bytes >= 1 << 20
        assert 0 <= settings.grace_s < 1e6
        assert 0 <= settings.public.port < 1 << 16


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "", "0", "[0:0:0:0:0:0:0:0]", "00.0"])
def test_a_wildcard_bind_needs_an_address_for_links(host: str) -> None:
    assert _problems("--public", f"{host}:80") == ["--public-url"]
    url = ("--public-url", "https://ads.example")
    assert _read("--public", f"{host}:80", *url).public.wildcard


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "[::]", "handbill.internal"])
def test_an_internal_listener_off_loopback_needs_credentials(host: str) -> None:
    assert _problems("--internal", f"{host}:81") == ["--report-auth"]
    assert not _read("--internal", f"{host}:81", "--report-auth", "a:b").internal.loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "[::1]"])
def test_loopback_is_for_this_machine_only(host: str) -> None:
    assert _read("--internal", f"{host}:81").internal.loopback


def test_both_listeners_cannot_have_one_address_unless_the_system_chooses() -> None:
    assert _problems("--public", "127.0.0.1:8081") == ["--internal"]
    assert _read("--public", "127.0.0.1:0", "--internal", "127.0.0.1:0").public.port == 0
    assert _read("--public", "127.0.0.1:65535").public.port == 65_535


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("1MiB", 1 << 20), ("2048 kib", 2 << 20), (" 3GIB ", 3 << 30)],
)
def test_sizes_have_binary_units(text: str, size: int) -> None:
    assert _read("--journal-max", text).journal_max_bytes == size


@pytest.mark.parametrize(
    "url",
    ["unix:///run/redis.sock", "redis+sentinel://a:1,b:2/main", "redis+cluster://a:1", "redis://"],
)
def test_redis_may_be_anywhere_it_can_be(url: str) -> None:
    assert _read("--redis-url", url).redis_url == url


def test_no_secret_is_in_the_representation_or_in_a_problem() -> None:
    secrets = ("--report-auth", "desk:hunter2", "--redis-url", "redis://:hunter2@r")
    assert "hunter2" not in repr(_read(*secrets))
    with pytest.raises(BadConfiguration) as bad:
        _read("--report-auth", "hunter2", "--redis-url", "postgres://:hunter2@r")
    assert "hunter2" not in str(bad.value)


def test_an_address_is_written_as_a_url_with_the_port_that_was_bound() -> None:
    assert Address("127.0.0.1", 0).url(8123) == "http://127.0.0.1:8123"
    assert Address("::1", 80).url() == "http://[::1]:80"


@pytest.mark.parametrize("argument", ["--unheard-of", "--conf=elsewhere", "stray"])
def test_what_is_no_setting_is_refused(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _read(argument)
    assert argument in capsys.readouterr().err


def _read(*arguments: str, **environ: str) -> Settings:
    # The default of `log` depends on whether a terminal looks on.
    return read_settings(arguments, {"HANDBILL_LOG": "json", **environ})


def _read_or_none(**environ: str) -> Settings | None:
    try:
        return _read(**environ)
    except BadConfiguration:
        return None


def _problems(*arguments: str, **environ: str) -> list[str]:
    with pytest.raises(BadConfiguration) as bad:
        _read(*arguments, **environ)
    return sorted(problem.field for problem in bad.value.problems)
