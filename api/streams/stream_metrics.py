"""Prometheus metrics of one consumer or publisher."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.application.stream_ingestion import StoredMessages


class StreamMetrics:
    """Counters of rows, and the lag. With port 0 nothing is served, and only the counts of lines are kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Counter("attune_stream_rows", "Rows of messages, by outcome.", ["outcome"], registry=registry)
        self._rejected = Counter(
            "attune_stream_rejected",
            "Rows of messages that are not stored, by reason.",
            ["reason"],
            registry=registry,
        )
        self._waiting = Gauge(
            "attune_stream_waiting_messages",
            "Messages of the topic that are not acknowledged.",
            registry=registry,
        )
        self._failures = Counter(
            "attune_stream_failures", "Times that the broker or the database went away.", ["of"], registry=registry
        )

    def note_batch(self, batch: StoredMessages) -> None:
        """Count the rows of one batch."""
        for outcome, number in (
            ("stored", batch.stored),
            ("duplicate", batch.duplicates),
            ("rejected", len(batch.dead_letters)),
        ):
            self._rows.labels(outcome).inc(number)
        for letter in batch.dead_letters:
            self._rejected.labels(letter.problem.reason).inc()

    def note_waiting(self, messages: int) -> None:
        """Set the lag."""
        self._waiting.set(messages)

    def note_failure(self, of: str) -> None:
        """Count a failure of the `broker` or the `database`."""
        self._failures.labels(of).inc()
