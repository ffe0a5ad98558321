"""A run of `attune digest`: makes, writes and sends the newsletters of a period, each once.

A letter is claimed before it is made (`recsys.store.letters`). A run that was killed is run again: letters that
may have left are `unknown` and are not sent again; those that had not left are made.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from api.application.context import Application
from api.application.letters.letter_folder import LetterFolder
from api.application.letters.letter_mail import MailRefusedError, MailUnknownError, mail_of
from api.application.letters.letter_maker import LetterMaker
from api.application.letters.letter_pages import Letter, letter_html, letter_text
from api.application.letters.letter_readers import Recipient
from recsys.store import letters
from recsys.store.letters import LetterStatus

logger = logging.getLogger(__name__)

_BATCH = 100
"""Letters that are claimed in one transaction, if they are only written."""

Send = Callable[[EmailMessage], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where letters go. folder: files; send: sends a mail, as `Mailer.send`; sender: its From."""

    folder: LetterFolder | None = None
    send: Send | None = None
    sender: str = ""


def preview_letters(
    maker: LetterMaker, readers: Sequence[Recipient], show: Callable[[Recipient, Letter], None]
) -> Counter[str]:
    """Make letters without logging, claiming or sending anything, and pass each to `show`; return their counts."""
    counts: Counter[str] = Counter()
    for reader in readers:
        letter = maker.make(reader.stored, reader.named, "preview", only_preview=True)
        counts["empty" if letter is None else "previewed"] += 1
        if letter is not None:
            show(reader, letter)
    return counts


def run_letters(
    maker: LetterMaker, readers: Sequence[Recipient], delivery: Delivery, done: Callable[[int], None]
) -> Counter[str]:
    """Make and deliver the letters of `readers` that were not delivered in this period; return counts by outcome.

    Args:
        maker: maker of letters.
        readers: without those who want none.
        delivery: files, mails, or both.
        done: called with the number of readers that are finished.

    Raises:
        ConfigError: the mail server cannot be used any more.
        StoreError: the database is unavailable. Everything that was delivered is stored.
    """
    run = _Run(maker, delivery)
    run.mark_interrupted()
    size = _BATCH if delivery.send is None else 1
    finished = 0
    for batch in _batches(readers, size):
        run.deliver(batch)
        finished += len(batch)
        done(finished)
    return run.counts


class _Run:
    def __init__(self, maker: LetterMaker, delivery: Delivery) -> None:
        self.counts: Counter[str] = Counter()
        self._maker, self._delivery = maker, delivery
        self._app: Application = maker.app
        self._period = maker.plan.period
        self._written = {} if delivery.folder is None else delivery.folder.written()

    def mark_interrupted(self) -> None:
        with self._app.database.write() as connection:
            letters.mark_interrupted(connection, self._period, self._app.clock.next())

    def deliver(self, batch: Sequence[Recipient]) -> None:
        """Claim, make and deliver the letters of a batch; of one reader if they are sent."""
        wanted = [each for each in batch if self._delivery.send is None or each.address is not None]
        self.counts["no_address"] += len(batch) - len(wanted)
        with self._app.database.write() as connection:
            ids = [each.stored for each in wanted]
            claims = letters.claim(connection, ids, self._period, self._app.clock.next(), self._written)
        self.counts["before"] += len(wanted) - len(claims)
        ended: dict[LetterStatus | None, list[str]] = {}
        for each in wanted:
            if each.stored in claims:
                status = self._deliver_one(each, claims[each.stored])
                ended.setdefault(status, []).append(each.stored)
                self.counts["empty" if status is None else status.value] += 1
        with self._app.database.write() as connection:
            for status, stored in ended.items():
                if status is None:
                    letters.release(connection, stored, self._period)
                else:
                    letters.finish(connection, stored, self._period, status, self._app.clock.next())

    def _deliver_one(self, reader: Recipient, request_id: str) -> LetterStatus | None:
        """Return how the letter ended; None if there is nothing to read."""
        if self._delivery.send is None and request_id in self._written:
            return LetterStatus.WRITTEN  # by a run that was killed before it could store this
        letter = self._maker.make(reader.stored, reader.named, request_id, only_preview=False)
        if letter is None:
            return None
        language = self._maker.plan.language
        html, text = letter_html(letter, language), letter_text(letter, language)
        if self._delivery.folder is not None:
            self._delivery.folder.write(reader.named, letter, html, text)
        if self._delivery.send is None:
            return LetterStatus.WRITTEN
        assert reader.address is not None, "readers without an address have no claim"
        mail = mail_of(letter, html, text, self._delivery.sender, reader.address)
        return self._send(self._delivery.send, reader.stored, mail)

    def _send(self, send: Send, reader: str, mail: EmailMessage) -> LetterStatus:
        with self._app.database.write() as connection:
            if not letters.begin_sending(connection, reader, self._period, self._app.clock.next()):
                return LetterStatus.UNKNOWN  # another run sends it
        try:
            send(mail)
        except MailRefusedError as error:
            logger.warning("%s", error)
            return LetterStatus.FAILED
        except MailUnknownError as error:
            logger.warning("%s", error)
            return LetterStatus.UNKNOWN
        return LetterStatus.SENT


def _batches(readers: Sequence[Recipient], size: int) -> Iterator[Sequence[Recipient]]:
    for start in range(0, len(readers), size):
        yield readers[start : start + size]
