"""The fields that `recsys.domain` declares appear everywhere."""

from dataclasses import dataclass, fields
from typing import Annotated

import polars as pl
import pytest
import sqlalchemy as sa

from api.http.schemas import ArticleOut, FullArticleOut
from ingest import generic_schema
from ingest.field_names import canonical_names
from recsys import frames
from recsys.domain import Article, Event, Slate
from recsys.records import SHOWN, Bytes, Field, FieldType, Id, Time, fields_of
from recsys.serving.article_cache import SUMMARY
from recsys.store import tables

EVERYWHERE = [
    (Article, frames.ARTICLES, tables.articles, "articles"),
    (Event, frames.EVENTS, tables.events, "events"),
    (Slate, frames.SLATES, tables.impressions, "impressions"),
]


@pytest.mark.parametrize(("record", "schema", "table", "kind"), EVERYWHERE)
def test_a_field_is_in_frames_tables_and_file_formats(
    record: type, schema: dict[str, pl.DataType], table: sa.Table, kind: str
) -> None:
    declared = [field.name for field in fields(record)]
    assert list(schema) == declared
    assert all(canonical_names(kind).of(name) == name for name in declared)
    assert [column.name for column in table.c if column.name in declared] == declared
    for field in fields_of(record):
        assert table.c[field.name].nullable == field.nullable


def test_a_field_of_an_article_is_in_the_api() -> None:
    assert set(FullArticleOut.model_fields) == {field.name for field in fields(Article)}
    shown = [field.name for field in fields_of(Article) if field.shown]
    assert list(ArticleOut.model_fields) == shown
    assert list(SUMMARY) == ["id", *shown]


def test_rows_of_files_need_what_has_no_default() -> None:
    assert generic_schema.REQUIRED == {
        "articles": ("id", "title"),
        "events": ("reader", "kind", "at"),
        "impressions": ("reader", "at", "candidates"),
    }


@dataclass(kw_only=True)
class Sample:
    id: Id
    seen_at: Annotated[Time | None, SHOWN] = None
    tags: tuple[Id, ...] = ()
    weights: tuple[float, ...] | None = None
    label: Annotated[str, Bytes(9)] = ""


def test_types_and_marks_are_read() -> None:
    plain = Field(
        name="id",
        type=FieldType.TEXT,
        required=True,
        nullable=False,
        most_bytes=512,
        is_id=True,
        future=False,
        shown=False,
    )
    id_, seen_at, tags, weights, label = fields_of(Sample)
    assert id_ == plain
    assert (seen_at.type, seen_at.shown, seen_at.nullable, seen_at.required) == (FieldType.TIME, True, True, False)
    assert (tags.type, tags.is_list, tags.is_id, tags.nullable) == (FieldType.TEXTS, True, True, True)
    assert (weights.type, weights.nullable) == (FieldType.NUMBERS, True)
    assert (label.type, label.most_bytes, label.nullable) == (FieldType.TEXT, 9, False)


@pytest.mark.parametrize(
    ("hint", "why"),
    [(str, "without a maximal length"), (bytes, "none of"), (Annotated[tuple[Id, ...], SHOWN], "is a list")],
)
def test_a_field_that_nothing_can_follow_is_refused(hint: object, why: str) -> None:
    wrong = dataclass(type("Wrong", (), {"__annotations__": {"field": hint}}))
    with pytest.raises(TypeError, match=f"Wrong.field .*{why}"):
        fields_of(wrong)
