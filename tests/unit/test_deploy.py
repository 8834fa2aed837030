"""What ships beside the code: image, compose file, Prometheus; checked as far as no daemon is."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from service.domain.errors import BadConfiguration
from service.settings.flags import FLAGS
from service.settings.reading import read_settings
from service.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PLACEHOLDER = re.compile(r"\$\{(\w+):([-?])([^}]*)\}")
GIVEN = {
    "HANDBILL_PUBLIC_URL": "https://ads.news.example",
    "HANDBILL_REPORT_AUTH": "editor:a long one",
}
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool here (Debian: package prometheus)"
)


@pytest.fixture
def compose() -> dict[str, Any]:
    """Return the compose file."""
    parsed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return parsed


@pytest.fixture
def image() -> list[tuple[str, str]]:
    """Return the last stage's instructions: word and rest, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(i for i, line in enumerate(lines) if line.startswith("FROM "))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines[last:]]


def image_environment(image: list[tuple[str, str]]) -> dict[str, str]:
    """Return what ENV sets."""
    pairs = [pair for word, rest in image if word == "ENV" for pair in rest.split()]
    return dict(pair.split("=", 1) for pair in pairs)


def service_environment(
    compose: dict[str, Any], image: list[tuple[str, str]], given: dict[str, str]
) -> dict[str, str]:
    """Return the environment that the service sees, as compose would resolve it."""

    def resolved(match: re.Match[str]) -> str:
        if match[2] == "?":
            return given[match[1]]
        return given.get(match[1], match[3])

    asked = compose["services"]["handbill"]["environment"]
    overlay = {name: PLACEHOLDER.sub(resolved, value) for name, value in asked.items()}
    return image_environment(image) | overlay


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        (hadolint, ROOT / "Dockerfile"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_and_takes_signals_itself(image: list[tuple[str, str]]) -> None:
    words = dict(image)
    user, _, group = words["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert json.loads(words["CMD"]) == ["python", "-m", "service", "serve"]
    health = words["HEALTHCHECK"].partition("CMD ")[2]
    assert json.loads(health) == ["python", "-m", "service", "health"]
    assert words["STOPSIGNAL"] == "SIGTERM"
    assert words["VOLUME"] == image_environment(image)["HANDBILL_DATA"]


def test_the_image_installs_by_hash_only() -> None:
    (install,) = re.findall(r"pip (?:[^&]|\\\n)*install(?:[^&]|\\\n)*", _dockerfile())
    assert "--require-hashes" in install
    assert "--no-deps" in install
    assert "--only-binary :all:" in install


def test_the_image_alone_says_what_it_needs(image: list[tuple[str, str]]) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_settings([], image_environment(image))
    assert {problem.field for problem in caught.value.problems} == {
        "--public-url",
        "--redis-url",
        "--report-auth",
    }


def test_the_service_accepts_what_compose_gives_it(
    compose: dict[str, Any], image: list[tuple[str, str]]
) -> None:
    environment = service_environment(compose, image, GIVEN)
    settings = read_settings([], environment)
    assert not settings.embedded
    assert settings.redis_url == "redis://redis:6379/0"
    assert "redis" in compose["services"]
    secret = compose["services"]["handbill"]["secrets"]
    assert settings.keys == Path("/run/secrets") / secret[0]
    assert secret[0] in compose["secrets"]
    known = {flag.variable for flag in FLAGS}
    assert {name for name in environment if name.startswith("HANDBILL_")} <= known


def test_only_readers_reach_more_than_this_machine(compose: dict[str, Any]) -> None:
    published = {name: part.get("ports", []) for name, part in compose["services"].items()}
    open_ports = [port for ports in published.values() for port in ports if port.count(":") == 1]
    assert open_ports == ["8080:8080"]
    assert published["redis"] == []
    loopback = [port for ports in published.values() for port in ports if port.count(":") == 2]
    assert all(port.startswith("127.0.0.1:") for port in loopback)


def test_redis_keeps_what_it_is_told(compose: dict[str, Any]) -> None:
    command = compose["services"]["redis"]["command"]
    flags = dict(zip(command[1::2], command[2::2], strict=True))
    assert flags["--appendonly"] == "yes"
    assert flags["--maxmemory-policy"] == "noeviction"


def test_nothing_writes_to_the_image(compose: dict[str, Any]) -> None:
    handbill = compose["services"]["handbill"]
    assert handbill["read_only"] is True
    assert handbill["tmpfs"] == ["/tmp"]
    assert handbill["cap_drop"] == ["ALL"]
    assert "journal:/data" in handbill["volumes"]
    for part in compose["services"].values():
        for volume in part.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists()


def test_prometheus_scrapes_the_internal_listener(
    compose: dict[str, Any], image: list[tuple[str, str]]
) -> None:
    parsed = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = parsed["scrape_configs"]
    internal = read_settings([], service_environment(compose, image, GIVEN)).internal
    assert job["static_configs"] == [{"targets": [f"handbill:{internal.port}"]}]
    mounts = [volume.split(":")[0] for volume in compose["services"]["prometheus"]["volumes"]]
    assert {"./prometheus.yml", *(f"./{name}" for name in parsed["rule_files"])} <= set(mounts)


def test_alerts_name_only_metrics_that_exist() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    names = {metric.name for metric in registry.collect()}
    series = names | {f"{name}_total" for name in names}
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"handbill_\w+", rule["expr"])}
    assert len(rules) == len({rule["alert"] for rule in rules})
    assert used <= series


@needs_promtool
def test_promtool_accepts_configuration_and_rules() -> None:
    command = ("promtool", "check", "config", "prometheus.yml")
    done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()
