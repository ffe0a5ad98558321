"""Readers of newsletters, and their addresses, which come from a file and are never stored."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.application.context import Application
from api.application.letters.letter_mail import is_address
from ingest.pseudonyms import Pseudonyms
from recsys.errors import ConfigError, DataError, RequestError
from recsys.store import letters

REJECTED = {
    "no_reader": "a row needs a reader id in the column `reader`",
    "no_address": "the column `address` needs one mail address, such as name@example.org",
    "twice": "a reader has one row",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Reader of a letter. stored: id in the database; named: id of the publisher; address: None if unknown."""

    stored: str
    named: str
    address: str | None


def read_addresses(file: Path) -> tuple[dict[str, str], Counter[str]]:
    """Return address by reader id of a CSV file (`reader`, `address`), and rejected rows by reason.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    found: dict[str, str] = {}
    rejected: Counter[str] = Counter()
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"reader", "address"} <= set(rows.fieldnames or ()):
                raise DataError(f"{file} has no columns `reader` and `address`: write them into its first line")
            for row in rows:
                reader, address = (row["reader"] or "").strip(), (row["address"] or "").strip()
                if not reader:
                    rejected["no_reader"] += 1
                elif not is_address(address):
                    rejected["no_address"] += 1
                elif reader in found:
                    rejected["twice"] += 1
                else:
                    found[reader] = address
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read as CSV in UTF-8: {error}") from error
    return found, rejected


def recipients(
    app: Application, reader: str | None, addresses: Mapping[str, str], pseudonyms: Pseudonyms
) -> tuple[Sequence[Recipient], int]:
    """Return one reader, or all of them, in order of their stored ids; and how many want no newsletter.

    Raises:
        ConfigError: stored ids are pseudonyms, so only a file of addresses can name all readers.
        RequestError: nothing is stored about the reader.
    """
    with app.database.read() as connection:
        known, away = letters.known_readers(connection), letters.unsubscribed_readers(connection)
    if reader is not None:
        names = {pseudonyms.of(reader): reader}
        if pseudonyms.of(reader) not in set(known):
            raise RequestError(f"nothing is stored about reader {reader}: check the id")
    elif pseudonyms.plain:
        names = {id_: id_ for id_ in known}
    elif addresses:
        stored = set(known)
        names = {id_: name for name in addresses if (id_ := pseudonyms.of(name)) in stored}
    else:
        raise ConfigError("stored reader ids are pseudonyms: name the readers with --addresses FILE.csv")
    found = [Recipient(id_, names[id_], addresses.get(names[id_])) for id_ in sorted(names) if id_ not in away]
    return found, len(names) - len(found)
