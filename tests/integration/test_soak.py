"""The soak in its short form: faults that come over and over under load, and nothing is lost.

The long form is a command: `python -m tests.torture.soak --fault …`.
"""

from pathlib import Path

import pytest

from tests.torture.redis_process import Keeps
from tests.torture.soak import Dose, redis_kill, redis_stopped, reply_loss, service_kill

pytestmark = pytest.mark.timeout(300)  # many starts, on a machine that may be busy


async def test_row_02_redis_hangs(tmp_path: Path) -> None:
    outcome = await redis_stopped(tmp_path, Dose(times=10))
    assert outcome.account.sound, outcome
    assert not outcome.errors


async def test_row_03_a_tenth_of_the_replies_is_lost(tmp_path: Path) -> None:
    outcome = await reply_loss(tmp_path, Dose(events=20_000, rate=2_000))
    assert outcome.account.sound, outcome
    assert not outcome.errors
    assert outcome.faults > 20


async def test_row_04_redis_is_killed_and_has_its_file(tmp_path: Path) -> None:
    outcome = await redis_kill(tmp_path, Dose(times=10))
    assert outcome.account.sound, outcome
    assert not outcome.errors


@pytest.mark.parametrize("keeps", [Keeps.SNAPSHOTS, Keeps.NOTHING])
async def test_rows_05_and_06_redis_comes_back_older_or_empty(tmp_path: Path, keeps: Keeps) -> None:
    outcome = await redis_kill(tmp_path, Dose(times=4, keeps=keeps))
    assert outcome.account.sound, outcome
    assert not outcome.errors
    assert outcome.rollbacks > 0


async def test_row_14_the_service_is_killed_ten_times(tmp_path: Path) -> None:
    outcome = await service_kill(tmp_path, Dose(times=10, rate=500))
    assert outcome.account.sound, outcome
