"""Files of a SQLite database after deletions."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from recsys.store.database import open_database, opened
from recsys.store.secure_delete import purge_deleted_rows
from recsys.store.tables import events

READERS = [random.Random(f"reader {i}").randbytes(16).hex() for i in range(200)]
OF_TWO_LENGTHS = [*READERS[:40], *(f"r{i:05}" for i in range(160))]


def fill(file: Path, readers: list[str] = READERS, seed: int = 1, rows_each: int = 300) -> None:
    """Thousands of rows in many transactions, so that pages are split and copies are left in their gaps."""
    rng = random.Random(seed)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        for start in range(0, 6_000, rows_each):
            connection.execute("BEGIN")
            rows = [
                (s, rng.randbytes(16).hex(), rng.choice(readers), s, s, f"a{s}")
                for s in range(start, start + rows_each)
            ]
            insert = "INSERT INTO events(seq,id,reader,kind,at,known_at,article) VALUES(?,?,?,'click',?,?,?)"
            connection.executemany(insert, rows)
            connection.execute("COMMIT")


def left(file: Path) -> int:
    data = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    return sum(reader.encode() in data for reader in READERS[:40])


def delete(url: str) -> None:
    with opened(url) as database:
        for reader in READERS[:40]:
            with database.write() as connection:
                connection.execute(sa.delete(events).where(events.c.reader == reader))
        purge_deleted_rows(database)


def test_nothing_is_left_of_deleted_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    url = f"sqlite:///{file}"
    open_database(url).close()
    fill(file)
    assert left(file) == 40
    delete(url)
    assert left(file) == 0


def test_nothing_is_left_in_the_gaps_of_pages_whose_rows_differ_in_length(tmp_path: Path) -> None:
    for seed in range(3):
        file = tmp_path / f"{seed}.db"
        url = f"sqlite:///{file}"
        open_database(url).close()
        fill(file, OF_TWO_LENGTHS, seed, rows_each=5)
        delete(url)
        assert left(file) == 0, seed
