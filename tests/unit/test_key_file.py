"""The keys' file is made once, private, and read again only if it can be used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.adapters.key_file import KeyFile, create_key_file, new_key_line
from service.domain.errors import BadConfiguration
from service.domain.tokens import Signer, parse_token
from tests.recording import TOKEN

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO, THREE = (f"{n} {os.urandom(32).hex()}" for n in (1, 2, 3))
CREATE = (
    "import sys; from pathlib import Path; from service.adapters.key_file import *;"
    "sys.stdin.readline(); path = Path(sys.argv[1]); create_key_file(path); KeyFile(path);"
    "print(path.read_text())"
)


def test_it_is_made_with_one_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "var" / "keys"
    previous = os.umask(0)
    try:
        create_key_file(path)
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    assert _verifies(KeyFile(path).signer, KeyFile(path).signer)
    assert [entry.name for entry in path.parent.iterdir()] == ["keys"]


def test_keys_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    path = _file(tmp_path, ONE)
    create_key_file(path)
    assert path.read_text() == ONE
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


def test_what_a_crash_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"keys.{os.getpid()}.new").write_text("half")
    create_key_file(tmp_path / "keys")
    assert KeyFile(tmp_path / "keys").signer


def test_where_no_file_can_be_made_it_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match=r"keys: cannot be made: (Not a|File)"):
        create_key_file(tmp_path / "file" / "keys")


def test_of_processes_that_start_at_once_one_makes_the_keys_and_all_use_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys"
    processes = [
        subprocess.Popen(
            (sys.executable, "-c", CREATE, str(path)),
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate()[0] for process in processes}
    assert printed == {path.read_text() + "\n"}
    assert [process.returncode for process in processes] == [0] * 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


def test_the_first_key_signs_and_all_verify(tmp_path: Path) -> None:
    new = KeyFile(_file(tmp_path, f"# rotated\n\n  # indented\n{TWO}\n {ONE} \r\n")).signer
    old = Signer({1: bytes.fromhex(ONE[2:])}, 1)
    assert parse_token(new.sign(TOKEN)).key == 2
    assert _verifies(old, new)
    assert not _verifies(new, old)


def test_tabs_and_capitals_are_fine(tmp_path: Path) -> None:
    upper = KeyFile(_file(tmp_path, f"1\t {ONE[2:].upper()}")).signer
    assert _verifies(upper, Signer({1: bytes.fromhex(ONE[2:])}, 1))


HEX = ONE[2:]
UNUSABLE = {
    "empty": ("", 0, "holds no key"),
    "comments": ("# nothing\n\n", 0, "holds no key"),
    "garbage": (f"{ONE}\nkey=abc\n", 2, "write a number"),
    "short": (f"1 {HEX[:-2]}", 1, "64 hex digits"),
    "long": (f"1 {HEX}00", 1, "64 hex digits"),
    "no hex": (f"1 {HEX[:-1]}g", 1, "64 hex digits"),
    "no number": (HEX, 1, "write a number"),
    "number 0": (f"0 {HEX}", 1, "from 1 to 255"),
    "number 256": (f"256 {HEX}", 1, "from 1 to 255"),
    "same number": (f"{ONE}\n{TWO}\n01 {THREE[2:]}", 3, "number of its own"),
    "zeros": (f"1 {'00' * 32}", 1, "no random key"),
    "a pattern": (f"1 {'deadbeef' * 8}", 1, "no random key"),
    "counting": (f"1 {bytes(range(32)).hex()}", 1, "no random key"),
    "counting down": (f"1 {bytes(range(255, 223, -1)).hex()}", 1, "no random key"),
}


@pytest.mark.parametrize(("text", "line", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_is_unusable_is_named_by_its_line_and_never_shown(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(BadConfiguration, match=message) as bad:
        KeyFile(path)
    (problem,) = bad.value.problems
    assert (problem.file, problem.line) == (str(path), line)
    assert HEX[:8] not in str(problem)


@pytest.mark.parametrize("content", [b"1 \xff\xfe", b"\x00" * 64])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    path = _file(tmp_path, "")
    path.write_bytes(content)
    with pytest.raises(BadConfiguration):
        KeyFile(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="keys new"):
        KeyFile(tmp_path / "keys")


@pytest.mark.parametrize(("mode", "usable"), [(0o600, True), (0o640, True), (0o604, False)])
def test_keys_that_everybody_may_read_are_refused(tmp_path: Path, mode: int, usable: bool) -> None:
    path = _file(tmp_path, ONE)
    path.chmod(mode)
    if usable:
        assert KeyFile(path).signer
        return
    with pytest.raises(BadConfiguration, match="chmod o-rwx"):
        KeyFile(path)


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    keys = KeyFile(_file(tmp_path, ONE))
    signer = keys.signer
    assert not keys.reread()
    assert keys.signer is signer


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    keys = KeyFile(_file(tmp_path, ONE))
    old = keys.signer
    _file(tmp_path, f"{TWO}\n{ONE}")
    assert keys.reread()
    assert _verifies(old, keys.signer)
    assert not _verifies(keys.signer, old)
    assert not keys.reread()


def test_a_change_that_cannot_be_used_is_told_once_and_keeps_the_old_keys(
    tmp_path: Path,
) -> None:
    path = _file(tmp_path, ONE)
    keys = KeyFile(path)
    old = keys.signer
    for spoil in (lambda: path.write_text("x"), path.unlink):
        spoil()
        with pytest.raises(BadConfiguration):
            keys.reread()
        assert keys.signer is old
        assert not keys.reread()
    _file(tmp_path, TWO)
    assert keys.reread()
    assert not _verifies(old, keys.signer)


def test_taking_the_files_rights_away_is_enough_to_have_it_read(tmp_path: Path) -> None:
    path = _file(tmp_path, ONE)
    keys = KeyFile(path)
    path.write_text(f"{TWO}\n")
    path.chmod(0o644)
    with pytest.raises(BadConfiguration):
        keys.reread()
    path.chmod(0o600)
    assert keys.reread()
    assert parse_token(keys.signer.sign(TOKEN)).key == 2


def test_a_new_line_is_a_key_never_made_before(tmp_path: Path) -> None:
    lines = [new_key_line(7), new_key_line(7)]
    assert lines[0] != lines[1]
    assert parse_token(KeyFile(_file(tmp_path, lines[0])).signer.sign(TOKEN)).key == 7


def _file(directory: Path, text: str) -> Path:
    path = directory / "keys"
    path.write_text(text)
    path.chmod(0o600)
    return path


def _verifies(one: Signer, other: Signer) -> bool:
    """Say whether what one signs is genuine to the other."""
    return other.genuine(parse_token(one.sign(TOKEN)))
