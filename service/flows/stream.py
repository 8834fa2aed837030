"""What is known of one journal's rows in one shard: mark, backlog, age; does no I/O."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.marks import Finding, compare
from service.domain.rows import StoredRow
from service.flows.ports import Committed, Extent

_GRAIN_S = 1.0  # of the times that are kept: a row is deleted up to this much later


@dataclass(slots=True)
class Stream:
    """Rows of one journal and shard on their way to Redis.

    `mark` is what Redis was last known to have applied, None while nobody has looked; `sure` says
    that nothing has put it in doubt since. `counted` is the highest row whose events have been
    counted in metrics, `gap` where rows were last found missing. `halted` says why it goes no
    further; while it is `resting` nothing is tried. `measured` says that the journal was asked
    what it holds.
    """

    journal: str
    shard: int
    own: bool = False  # this process writes it
    last: int = 0
    pruned: int = 0
    mark: int | None = None
    sure: bool = False
    measured: bool = False
    waiting: int = 0
    oldest_ms: int | None = None
    counted: int = 0
    gap: tuple[int, int] | None = None
    halted: str | None = None
    resting: bool = False
    lasting: bool = False
    _applied: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def behind(self) -> bool:
        """Whether there is something to do: rows to ship, or a mark to find out."""
        return not self.resting and (not self.sure or max(self.mark or 0, self.pruned) < self.last)

    def committed(self, row: Committed) -> None:
        """Take note of a new row."""
        if row.number <= self.last:  # the journal's own account had it already
            return
        self.last = row.number
        if self.waiting == 0:
            self.oldest_ms = row.made_ms
        self.waiting += row.total

    def measure(self, extent: Extent) -> None:
        """Take all that the journal holds for waiting until a mark says how much of it is not."""
        if self.measured:  # a mark was found meanwhile
            return
        self.measured = True
        self.last = max(extent.last, self.last)
        self.waiting, self.oldest_ms = extent.waiting, extent.oldest_ms

    def confirmed(self, mark: int) -> bool:
        """Say whether a mark that was just read is the one believed, which it then surely is."""
        self.sure = mark == self.mark
        return self.sure

    def found(self, mark: int, extent: Extent, now_s: float) -> Finding:
        """Take a mark that was just read for the truth and say what it means.

        `extent` is the journal's own account, seen from that mark.
        """
        last = max(extent.last, self.last)
        finding = compare(mark, self.mark, pruned=extent.pruned, last=last)
        if finding is Finding.CLONED:
            self.halt(f"mark {mark} is beyond the last row {last}", lasting=True)
            return finding
        if finding is Finding.GAP:
            finding = self._gap(mark, extent.pruned)
        if self.mark is None:  # what was applied before has been counted by whoever did it
            self.counted = max(self.counted, mark)
        self.mark, self.sure, self.measured = mark, True, True
        self.waiting, self.oldest_ms = extent.waiting, extent.oldest_ms
        self.last, self.pruned = last, extent.pruned
        self._applied = deque((at_s, row) for at_s, row in self._applied if row <= mark)
        self._note(now_s)
        return finding

    def applied(self, rows: Sequence[StoredRow], now_s: float) -> None:
        """Take note that Redis applied these rows."""
        self.mark = rows[-1].number
        self.last = max(self.last, self.mark)
        if self.mark == self.last:
            self.waiting, self.oldest_ms = 0, None
        else:
            self.waiting = max(0, self.waiting - sum(row.total for row in rows))
            self.oldest_ms = rows[-1].made_ms  # the next one is no older
        self.halted = None
        self._note(now_s)

    def doubt(self) -> None:
        """The mark must be read again before anything else is sent."""
        self.sure = False

    def missed(self) -> None:
        """Rows that were announced are not there: let the journal itself say what is."""
        self.last, self.mark, self.sure = 0, None, False

    def halt(self, reason: str, *, lasting: bool) -> bool:
        """Rest until `rise`, for good if `lasting`; say whether the reason is news."""
        news, self.halted = reason != self.halted, reason
        self.sure, self.resting, self.lasting = False, True, lasting
        return news

    def rise(self) -> None:
        """Try again what may have passed."""
        self.resting = self.lasting
        if self.sure and not self.behind:
            self.halted = None

    def prunable(self, before_s: float) -> int:
        """Return the last row that Redis has kept since before then, 0 for none."""
        through = 0
        for at_s, row in self._applied if self.sure else ():
            if at_s > before_s:
                break
            through = row
        return through

    def dropped(self, through: int) -> None:
        """Take note that rows up to a number were deleted."""
        self.pruned = max(self.pruned, through)
        while self._applied and self._applied[0][1] <= through:
            self._applied.popleft()

    def _gap(self, mark: int, pruned: int) -> Finding:
        """Rows that are missing are said once, however often Redis goes back to before them."""
        if self.gap != (mark, pruned):
            self.gap = mark, pruned
            return Finding.GAP
        return Finding.BACK if mark < (self.mark or 0) else Finding.STEADY

    def _note(self, now_s: float) -> None:
        """Remember when the mark was reached, a second's marks as one."""
        mark = self.mark or 0
        if not mark or (self._applied and self._applied[-1][1] >= mark):
            return
        if self._applied and now_s - self._applied[-1][0] < _GRAIN_S:
            self._applied[-1] = (now_s, mark)  # later, never earlier
        else:
            self._applied.append((now_s, mark))
