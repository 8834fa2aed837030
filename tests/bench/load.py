"""Drives one server with wrk and reads what it says; makes and checks no requests itself."""

import asyncio
import json
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from socket import create_connection

from tests.bench.processes import BenchError, tied

THREADS = 1
SPARE_S = 30.0  # for wrk to read its requests and to end
_LENGTH_DIGITS = 8
# Requests are whole texts made beforehand: wrk's core does nothing but send and receive.
SCRIPT = f"""
local requests, count, at = {{}}, 0, 0
function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read({_LENGTH_DIGITS})
    if not length then break end
    count = count + 1
    requests[count] = file:read(tonumber(length))
  end
  file:close()
end
function request()
  at = at % count + 1
  return requests[at]
end
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\\nsummary {{"answered": %d, "micros": %d, "p50_us": %d, "p99_us": %d, "status": %d, ' ..
    '"connect": %d, "read": %d, "write": %d, "timeout": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
"""
_ERRORS = ("status", "connect", "read", "write", "timeout")


@dataclass(frozen=True, slots=True)
class Driven:
    """What one run of wrk got: answers, seconds, and the time of answers in milliseconds."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds


def write_script(directory: Path) -> Path:
    """Write the Lua script and return its path."""
    path = directory / "requests.lua"
    path.write_text(SCRIPT)
    return path


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write requests in the form that the script reads."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%*d" % (_LENGTH_DIGITS, len(request)))
            file.write(request)


async def drive(
    url: str, script: Path, requests: Path, *, connections: int, seconds: int
) -> Driven:
    """Send the requests over and over for some seconds; raises unless every answer is good."""
    process = await asyncio.create_subprocess_exec(
        *tied(
            *("wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"),
            *("-s", str(script), url, "--", str(requests)),
        ),
        stdout=PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds + SPARE_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise BenchError(f"wrk did not end within {seconds + SPARE_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return read_summary(output.decode(errors="replace"))


def read_summary(output: str) -> Driven:
    """Return what wrk measured; raises `BenchError` if anything went wrong on the way."""
    _, found, line = output.partition("\nsummary ")
    if not found:
        raise BenchError(f"wrk said no summary: {output.strip()[-300:]}")
    summary: dict[str, int] = json.loads(line.partition("\n")[0])
    wrong = {name: summary[name] for name in _ERRORS if summary[name]}
    if wrong or not summary["answered"]:
        raise BenchError(f"of {summary['answered']} answers, errors by kind: {wrong}")
    return Driven(
        summary["answered"],
        summary["micros"] / 1e6,
        summary["p50_us"] / 1e3,
        summary["p99_us"] / 1e3,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(url: str, request: bytes) -> Answer:
    """Send one of the requests over a connection of its own and return the answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    with create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(request)
        response = HTTPResponse(sock, method=request[: request.index(b" ")].decode())
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read())
