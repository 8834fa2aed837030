"""The token keys' file: made at first start, read again when it changes; never logged or shown.

A line is a key: its number (1 to 255), then 64 hex digits. The first signs, all verify.
"""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem
from service.domain.tokens import KEY_BYTES, Signer

KEY_NUMBERS = range(1, 256)
_LINE = re.compile(r"([0-9]{1,3})[ \t]+([0-9a-fA-F]{64})\Z")
_READABLE_BY_OTHERS = 0o007


def new_key_line(number: int) -> str:
    """Return a line with a fresh random key."""
    return f"{number} {secrets.token_hex(KEY_BYTES)}"


def create_key_file(path: Path) -> None:
    """Make the file with one key, readable by its owner only, unless it is there already.

    Raises `BadConfiguration` where it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name nobody has: a process that died here may have had this one's number.
        descriptor, made = tempfile.mkstemp(".new", f"{path.name}.", path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"# number and key; the first signs, all verify\n{new_key_line(1)}\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(made, path)  # a rename would replace keys that another process just made
        finally:
            Path(made).unlink()
    except OSError as error:
        raise _bad(path, 0, f"cannot be made: {error.strerror}") from None


class KeyFile:
    """The keys of one file as a signer; a change that cannot be used leaves the old keys."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self.signer = self._read()

    def reread(self) -> bool:
        """Take the file's keys if it changed since; raises `BadConfiguration`, keys unchanged."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        self.signer = self._read()
        return True

    def _stamp(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        # Rights too, and not the time of modification: taking them away mends a file.
        return (status.st_ctime_ns, status.st_ino, status.st_size, status.st_mode)

    def _read(self) -> Signer:
        try:
            text = self._path.read_text(encoding="ascii")
            mode = self._path.stat().st_mode
        except (OSError, UnicodeDecodeError):
            hint = "make it with `python -m service keys new`, one key a line"
            raise _bad(self._path, 0, hint) from None
        if mode & _READABLE_BY_OTHERS:
            raise _bad(self._path, 0, "everybody may read it; take that away: chmod o-rwx")
        keys: dict[int, bytes] = {}
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line and not line.startswith("#"):
                self._add(keys, number, line)
        if not keys:
            hint = "it holds no key; add one with `python -m service keys new`"
            raise _bad(self._path, 0, hint)
        return Signer(keys, next(iter(keys)))

    def _add(self, keys: dict[int, bytes], line_number: int, line: str) -> None:
        match = _LINE.match(line)
        if not match or int(match[1]) not in KEY_NUMBERS:
            hint = "write a number from 1 to 255, a space, 64 hex digits"
            raise _bad(self._path, line_number, hint)
        if int(match[1]) in keys:
            raise _bad(self._path, line_number, "give each key a number of its own")
        key = bytes.fromhex(match[2])
        if not _random(key):
            hint = "this is no random key; make one with `python -m service keys new`"
            raise _bad(self._path, line_number, hint)
        keys[int(match[1])] = key


def _random(key: bytes) -> bool:
    """Say whether a key could be one: samples repeat bytes (00 00, de ad be ef) or count them."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return min(len(set(key)), len(steps)) >= KEY_BYTES // 4


def _bad(path: Path, line: int, message: str) -> BadConfiguration:
    return BadConfiguration((Problem(str(path), line, "keys", message),))
