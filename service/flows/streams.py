"""What is known of one journal's rows in one shard: mark, backlog, age; does no I/O."""

from collections import deque
from dataclasses import dataclass, field

from service.domain.marks import Finding, compare
from service.flows.ports import Committed, Extent

_GRAIN_S = 1.0  # of the times that are kept: a row is deleted up to this much later


@dataclass(slots=True)
class Stream:
    """Rows of one journal and shard on their way to Redis.

    `mark` is what Redis was last known to have applied; `sure` says that nothing has put it in
    doubt since. `counted` is the highest row whose events have been counted in metrics, `gap` the
    mark at which rows were last found missing.
    """

    journal: str
    shard: int
    last: int = 0
    pruned: int = 0
    mark: int | None = None
    sure: bool = False
    waiting: int = 0
    oldest_ms: int | None = None
    counted: int = 0
    gap: int | None = None
    halted: str | None = None
    _applied: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def behind(self) -> bool:
        """Whether there is something to do: rows to ship, or a mark to find out."""
        return self.halted is None and (not self.sure or (self.mark or 0) < self.last)

    def committed(self, row: Committed) -> None:
        """Take note of a new row."""
        self.last = row.number
        if self.waiting == 0:
            self.oldest_ms = row.made_ms
        self.waiting += row.total

    def found(self, mark: int, extent: Extent, now_s: float) -> Finding:
        """Take a mark that was just read for the truth and say what it means.

        `extent` is the journal's own account, seen from that mark.
        """
        finding = compare(mark, self.mark, pruned=extent.pruned, last=max(extent.last, self.last))
        if finding is Finding.GAP:  # said once, not at every look until the next row is applied
            finding = Finding.STEADY if mark == self.gap else finding
            self.gap = mark
        if finding is Finding.CLONED:
            self.halted = f"mark {mark} is beyond the last row {self.last}"
            return finding
        self.mark, self.sure = mark, True
        self.waiting, self.oldest_ms = extent.waiting, extent.oldest_ms
        self.last, self.pruned = max(extent.last, self.last), extent.pruned
        self._applied = deque((at_s, row) for at_s, row in self._applied if row <= mark)
        self._note(now_s)
        return finding

    def applied(self, through: int, total: int, now_s: float) -> None:
        """Take note that Redis applied rows up to a number, with so many events."""
        self.mark = through
        self.waiting = max(0, self.waiting - total)
        if through >= self.last:
            self.oldest_ms, self.waiting = None, 0
        self._note(now_s)

    def doubt(self) -> None:
        """The mark must be read again before anything else is sent."""
        self.sure = False

    def prunable(self, before_s: float) -> int:
        """Return the last row that Redis has kept since before then, 0 for none."""
        through = 0
        while self._applied and self._applied[0][0] <= before_s:
            through = self._applied.popleft()[1]
        return through

    def _note(self, now_s: float) -> None:
        """Remember when the mark was reached, a second's marks as one."""
        mark = self.mark or 0
        if not mark or (self._applied and self._applied[-1][1] >= mark):
            return
        if self._applied and now_s - self._applied[-1][0] < _GRAIN_S:
            self._applied[-1] = (now_s, mark)  # later, never earlier
        else:
            self._applied.append((now_s, mark))
