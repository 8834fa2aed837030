"""Answers that leave together keep the order in which their connection speaks."""

import asyncio

from service.web.outbox import Outbox


class Transport(asyncio.Transport):
    """A connection that remembers what was written to it, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed


async def test_answers_of_one_turn_are_written_at_its_end_and_in_order() -> None:
    outbox, one, other = Outbox(asyncio.get_running_loop()), Transport(), Transport()
    for transport, answer in ((one, b"1"), (other, b"2"), (one, b"3")):
        outbox.put(transport, answer)
    assert one.written == other.written == []
    await asyncio.sleep(0)
    assert (one.written, other.written) == ([b"1", b"3"], [b"2"])


async def test_who_is_about_to_write_sends_first_what_waits() -> None:
    outbox, one, other = Outbox(asyncio.get_running_loop()), Transport(), Transport()
    outbox.put(one, b"1")
    outbox.flush(other)  # nothing of it waits, so the others wait on
    assert one.written == []
    outbox.flush(one)
    one.write(b"2")
    outbox.put(one, b"3")
    await asyncio.sleep(0)
    assert one.written == [b"1", b"2", b"3"]


async def test_who_has_gone_is_passed_over() -> None:
    outbox, one, other = Outbox(asyncio.get_running_loop()), Transport(), Transport()
    outbox.put(one, b"1")
    outbox.put(other, b"2")
    one.closed = True
    await asyncio.sleep(0)
    assert (one.written, other.written) == ([], [b"2"])
