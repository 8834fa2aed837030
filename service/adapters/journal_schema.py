"""The tables of a journal file and every statement that is run on a shard's rows; runs none."""

from typing import NamedTuple

from service.domain.events import SHARDS

FORMAT = 1
_APPLICATION_ID = 0x48624A31  # "HbJ1"
_ROWS = (
    "CREATE TABLE $rows (n INTEGER PRIMARY KEY, before INTEGER NOT NULL,"
    " events INTEGER NOT NULL, made_ms INTEGER NOT NULL, body BLOB NOT NULL)"
)


class ShardStatements(NamedTuple):
    """What is asked of one shard's table."""

    table: str = "$rows"
    insert: str = "INSERT INTO $rows VALUES (?, ?, ?, ?, ?)"
    row: str = "SELECT * FROM $rows WHERE n = ?"
    rows: str = "SELECT * FROM $rows WHERE n > ? ORDER BY n LIMIT ?"
    begin: str = "SELECT before, made_ms FROM $rows WHERE n > ? ORDER BY n LIMIT 1"
    end: str = "SELECT n, before + events FROM $rows ORDER BY n DESC LIMIT 1"
    sums: str = "SELECT n, before + events FROM $rows WHERE n <= ? ORDER BY n LIMIT ?"
    delete: str = "DELETE FROM $rows WHERE n <= ?"
    any: str = "SELECT 1 FROM $rows LIMIT 1"


def _of_shard(shard: int, *statements: str) -> tuple[str, ...]:
    return tuple(statement.replace("$rows", f"rows_{shard:02}") for statement in statements)


STATEMENTS = tuple(
    ShardStatements(*_of_shard(shard, *ShardStatements())) for shard in range(SHARDS)
)
SCHEMA = (
    *(_of_shard(shard, _ROWS)[0] for shard in range(SHARDS)),
    "CREATE TABLE pruned (shard INTEGER NOT NULL, through INTEGER NOT NULL,"
    " total INTEGER NOT NULL, PRIMARY KEY (shard, through)) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
)
