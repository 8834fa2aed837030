"""With Redis stopped and no room on disk: readers notice nothing, and nothing is promised."""

import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests import engine
from tests.web.conftest import open_house
from tests.web.houses import ANDROID, ARTICLE, DESKTOP, NEWS, House
from tests.web.wire import Answer, query

VIEW = {"kind": "view"}
IMPRESSION = {"kind": "impression", "placement": "top"}
TAKES_AGAIN_S = 20.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of a few megabytes, where this user may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place))
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system to fill")
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4_096)):
                pass
        except OSError:
            return


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Stop a process so that its connections stay open and silent: the slowest way to be gone."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _house(place: Path, *flags: str) -> AsyncIterator[tuple[House, int]]:
    async with (
        engine.running(place.parent / "engine") as redis,
        open_house(place, "--redis-url", redis.url, *flags) as house,
    ):
        yield house, redis.pid


def _refused(answer: Answer) -> bool:
    if answer.status == 204:
        return False
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.problem()["title"] == "Service Unavailable"
    assert answer.headers["access-control-allow-origin"] == NEWS
    return True


def _serves_readers(house: House, token: str) -> None:
    for agent in (ANDROID, DESKTOP, "Nobody/1.0"):
        for page in (ARTICLE, f"{NEWS}/{os.urandom(4).hex()}"):
            decision = house.decide(agent, url=page)
            assert decision["placements"]["top"]["campaign"] == "vital-signs"
    click = house.follow(f"/c/{token}/top")
    assert click.location.startswith("https://apps.apple.com/")
    share = house.follow(f"/s/{token}/reddit?{query(u=ARTICLE)}")
    assert share.location.startswith("https://www.reddit.com/")
    assert house.follow("/a/vital-signs").location.startswith("https://apps.apple.com/")
    assert house.follow(f"/i/{token}/top.gif").body[:6] == b"GIF89a"
    for form in ("text", "html", "email"):
        fragment = query(site="example", url=ARTICLE, format=form)
        assert house.public.get(f"/v1/fragment?{fragment}").status == 200
    assert house.public.get("/embed.js").status == 200


async def test_on_a_full_disk_with_redis_stopped_decisions_and_redirects_go_on(
    small_disk: Path,
) -> None:
    async with _house(small_disk) as (house, redis):
        token = house.decide()["token"]
        with _stopped(redis):
            _fill(small_disk)
            assert _refused(house.report(token, VIEW, IMPRESSION, Origin=NEWS))
            _serves_readers(house, token)
            assert _refused(house.report(token, VIEW, Origin=NEWS))
            ready = house.internal.get("/readyz")
            assert (ready.status, ready.headers["server"]) == (503, "handbill")
            assert "refusing" in ready.text
            assert house.internal.get("/livez").status == 200
            assert house.metric('handbill_events_refused_total{reason="disk"}') >= 5
            assert house.metric('handbill_redirects_total{kind="click",outcome="refused"}') == 1
            lines = len(house.said().splitlines())
            for _ in range(20):
                assert house.follow(f"/i/{token}/top.gif").status == 200
            assert len(house.said().splitlines()) - lines < 5  # each would fill the same disk


async def test_a_full_journal_refuses_until_redis_is_back_and_loses_nothing_it_took(
    tmp_path: Path,
) -> None:
    async with _house(tmp_path / "house", "--journal-max", "1MiB") as (house, redis):
        counting, taken, refused = house.counting("verdict"), 0, 0
        with _stopped(redis):
            while not refused:
                if _refused(house.report(house.token(), *[VIEW] * 50, Origin=NEWS)):
                    refused += 50
                else:
                    taken += 50
                assert taken < 50_000
            _serves_readers(house, house.token())
            refused += 4  # the click, the share, the visit and the pixel just now
        deadline = time.monotonic() + TAKES_AGAIN_S
        while _refused(house.report(house.token(), VIEW, Origin=NEWS)):
            refused += 1
            assert time.monotonic() < deadline, house.said()
            time.sleep(0.2)
        sums = counting.gained(taken + 1 + refused)
        assert sums == {
            ("valid",): taken // 50 + 1, ("duplicate",): taken // 50 * 49, ("refused",): refused,
        }  # fmt: skip
