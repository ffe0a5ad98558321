"""Settings from the environment, with prefix ``ATTUNE_``; a ``.env`` file and options may override them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from recsys.errors import ConfigError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16", "int8"]
Pooling = Literal["mean", "cls", "last", "max"]
LogFormat = Literal["json", "text"]
IndexKind = Literal["auto", "exact", "flat", "hnsw"]

MINUTE_PRICE = 0.4
"""Default of `Settings.minute_price`: docs/ranking.md describes its effect."""


_MAY_HAVE_PASSWORDS = ("database_url", "rate_limit_storage", "otlp_endpoint")


class Settings(BaseSettings):
    """Settings of an operator. `attune config` prints every value with its origin."""

    model_config = SettingsConfigDict(env_prefix="ATTUNE_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///attune.db", description="SQLAlchemy URL: sqlite or postgresql+psycopg")
    database_patience: float = Field(
        2.0, ge=0.5, le=600, description="seconds that the service waits for one answer of PostgreSQL"
    )
    spool_bytes: int = Field(
        64 * 1_024**2, ge=0, description="bytes of slates on disk per process while the database is unavailable"
    )
    home: Path = Field(Path("var"), description="folder of bundles, state snapshots and reject files")
    shard: str = Field(
        "",
        max_length=16,
        description="readers whose state the service holds, as i/n from 0/n; empty: all (docs/guides/shards.md)",
    )
    shard_peers: str = Field(
        "",
        description="addresses of all shards in their order, separated by commas, for requests of their readers "
        "that arrive here",
    )
    shard_patience: float = Field(
        20.0, ge=0, le=600, description="seconds that such a request waits for a shard that starts again"
    )
    encoder: str = Field(
        "minilm",
        description="'minilm' (English), 'multilingual-e5' (extra multilingual), a Hugging Face id, or a path",
    )
    encoder_max_tokens: int = Field(64, ge=8, le=512, description="maximum of tokens per article text")
    encoder_pooling: Pooling | None = Field(
        None, description="pooling of token vectors: mean, cls, last or max; by default what the model ships"
    )
    encoder_prompt: str | None = Field(
        None, max_length=1_000, description="text before each article text; by default what the model ships"
    )
    encoder_precision: Precision = Field(
        "float32", description="number format of the encoder; bfloat16 and int8 lose some quality: docs/compute.md"
    )
    body: bool = Field(False, description="also read the bodies of articles, by windows of 512 tokens")
    token_budget: int | None = Field(
        None,
        ge=16,
        le=512,
        description="tokens of each window of a body that go through all layers of the encoder; by default all",
    )
    device: Device = Field("auto", description="device of torch and FAISS; auto uses CUDA if available")
    index: IndexKind = Field("auto", description="auto: flat while small, HNSW when large; exact: without error")
    threads: int = Field(1, ge=1, le=64, description="torch threads while serving; 1 keeps scores bit-equal")
    replay_workers: int | None = Field(
        None,
        ge=1,
        le=256,
        description="processes that replay impressions in training and evaluation; by default as many as "
        "ATTUNE_THREADS, and at most one for 2,000 impressions",
    )
    ray: str | None = Field(
        None,
        min_length=1,
        max_length=300,
        description="Ray cluster that replays impressions and encodes articles in batches (extra scale): local, "
        "auto or HOST:PORT; by default none",
    )
    seed: int = Field(7, ge=0, description="seed of all random numbers in training")
    train_schedule: str = Field(
        "0 4 * * *",
        max_length=200,
        description="times in UTC at which `attune run` trains, as a cron expression; empty: never",
    )
    consume: SecretStr = Field(
        SecretStr(""),
        description="topics that `attune run` and `attune consume` read, as URLs of brokers separated by commas; "
        "empty: none",
    )
    train_hours: float = Field(
        6.0, gt=0, le=168, description="hours after which `attune run` stops a training that has not ended"
    )
    train_slates: int = Field(
        500_000,
        ge=1_000,
        description="newest impressions that a training learns from, which bounds its memory and time",
    )
    position_weights: bool = Field(
        False, description="weigh skipped articles by the examination of their places in training: docs/ranking.md"
    )
    behaviour_gate: bool = Field(
        False, description="leave the former bundle active if a new one fails a check of behaviour"
    )
    behaviour_stability: float = Field(
        0.8,
        ge=0,
        le=1,
        description="least agreement of the orders of a list before and after a small change of reads",
    )
    behaviour_popularity: float = Field(
        4.0,
        gt=0,
        description="most clicks of the first places of a list, as a multiple of those of its candidates",
    )
    behaviour_loss: float = Field(
        0.1,
        ge=0,
        le=1,
        description="most AUC that new readers, or readers with rare interests, lose to the others",
    )
    behaviour_shift: float = Field(
        0.25,
        ge=0,
        le=1,
        description="most share of first places in other categories, or sources, than what is read",
    )
    feed_candidates: int = Field(300, ge=10, le=2_000, description="candidates ranked for one feed")
    explore: float = Field(0.05, ge=0, le=0.5, description="default share of exploration slots in a feed")
    fresh_share: float = Field(
        0.8, ge=0, le=1, description="share of exploration that tries new articles; the rest draws any candidate"
    )
    minute_price: float = Field(
        MINUTE_PRICE,
        ge=0,
        le=2,
        description="utility that a minute in a feed must give, as a share of a minute in the log; 0: by clicks",
    )
    max_article_age_days: float | None = Field(
        None,
        gt=0,
        description="older articles are never retrieved for a feed (they can still be ranked); by default twice "
        "the age that the log supports, by category: see `attune train`",
    )
    whole_stories: bool = Field(
        True,
        description="leave out a whole story if its reader read or hid one article; false: only the article",
    )
    user_agent: str = Field(
        "Attune/0.1 (news feed reader)",
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="name in requests for feeds and articles; add an address where a publisher can reach you",
    )
    webhook_private: bool = Field(False, description="also send webhooks to addresses in private networks")
    rate_limit: str = Field("", description="requests per key, for example 600/minute; empty: no limit")
    collect_rate_limit: str = Field(
        "1200/minute", description="requests to /v1/collect per client address, in each process; empty: no limit"
    )
    rate_limit_storage: str = Field(
        "memory://", description="where requests are counted: memory:// in each process, or redis://HOST:PORT"
    )
    max_body_bytes: int = Field(8 * 1_024**2, ge=1_024, description="maximum size of a request body in bytes")
    cors_origins: str = Field(
        "", description="origins whose web pages may read answers, separated by commas; empty: none"
    )
    gorse_feedback: str = Field(
        "impression=impression,view=impression,show=impression,click=click,open=click,read=read,like=like,star=like,"
        "favorite=like,upvote=like,save=save,bookmark=save,share=share,comment=comment,dislike=dislike,"
        "downvote=dislike,hide=hide",
        description="event kind of each feedback type of Gorse's API, TYPE=KIND separated by commas",
    )
    log_format: LogFormat = Field("json", description="log format on stderr: json (one line per record) or text")
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector for spans, for example http://HOST:4318/v1/traces"
    )
    pseudonym_key: SecretStr | None = Field(
        None, min_length=16, description="secret key that hashes reader ids before they are stored"
    )
    token_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="secret that signs reader tokens; by default a random one that the database holds",
    )
    mastodon_token: SecretStr | None = Field(
        None, description="access token, scope read, of the account of `attune ingest timeline`"
    )
    smtp_password: SecretStr | None = Field(None, description="password of the mail server of `attune digest`")
    metrics_open: bool = Field(False, description="allow /metrics without a key once keys exist")

    def without_credentials(self) -> "Settings":
        """Return a copy without secrets and without URLs that may have passwords: for processes that need none."""
        fields = type(self).model_fields
        secret = [name for name, value in self if isinstance(value, SecretStr)]
        return self.model_copy(update={name: fields[name].default for name in (*_MAY_HAVE_PASSWORDS, *secret)})

    @property
    def smtp_secret(self) -> str | None:
        """Password of the mail server as text."""
        return None if self.smtp_password is None else self.smtp_password.get_secret_value()

    @property
    def consume_urls(self) -> tuple[str, ...]:
        """URLs of topics to consume, with their passwords."""
        return tuple(url for part in self.consume.get_secret_value().split(",") if (url := part.strip()))

    @property
    def pseudonym_secret(self) -> str | None:
        """Pseudonym key as text, for hashing."""
        return None if self.pseudonym_key is None else self.pseudonym_key.get_secret_value()


def load_settings(**overrides: object) -> Settings:
    """Read the environment and ``.env``; `overrides` that are not None have priority.

    Raises:
        ConfigError: a value is not valid; the message names the variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(f"ATTUNE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"settings are not valid: {wrong}") from error


@dataclass(frozen=True, slots=True)
class Origin:
    """Setting with its origin: `variable` sets it, `origin` is environment, .env or default."""

    variable: str
    value: str
    origin: str
    meaning: str


def origins(used: Settings | None = None) -> list[Origin]:
    """Return every setting with its origin, without the password of a URL; secrets are stars.

    used: settings of a running process; by default those of the environment.

    Raises:
        ConfigError: a value is not valid.
    """
    settings = used or load_settings()
    in_file = {name.upper() for name, value in dotenv_values(".env").items() if value is not None}
    found = []
    for name, field in Settings.model_fields.items():
        variable = f"ATTUNE_{name.upper()}"
        origin = "environment" if variable in os.environ else ".env" if variable in in_file else "default"
        value = _without_password(str(getattr(settings, name)))
        found.append(Origin(variable, value, origin, field.description or ""))
    return found


def without_secrets(settings: Settings) -> dict[str, str | int | float | bool | None]:
    """Return the values by name, without secrets and without the places of the database and of the home folder."""
    secret = {name for name, value in settings if isinstance(value, SecretStr)}
    return settings.model_dump(mode="json", exclude={"database_url", "home", *secret})


def unknown_settings() -> list[str]:
    """Return misspelled settings: names in the environment or .env that start with ATTUNE_ and set nothing."""
    names = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    known = {f"ATTUNE_{name.upper()}" for name in Settings.model_fields}
    own = {name for name in names if name.startswith("ATTUNE_") and not name.startswith("ATTUNE_TEST_")}
    return sorted(own - known)


def _without_password(value: str) -> str:
    """Hide the password of a URL: before an @, which may be unquoted in it, or in the query."""
    hidden = re.sub(r"(//[^:/]*):[^/]*@", r"\1:***@", value)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", hidden)
