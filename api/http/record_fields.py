"""The fields of a record in response bodies, as the record declares them; times are ISO 8601 text."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from api.application.iso_time import to_iso
from recsys.records import Field, FieldType, fields_of

_Model = TypeVar("_Model", bound=BaseModel)

_JSON: dict[FieldType, type] = {
    FieldType.TEXT: str,
    FieldType.TIME: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: int,
    FieldType.FLAG: bool,
    FieldType.TEXTS: list[str],
    FieldType.NUMBERS: list[float],
}


def body_of(record: type, shown: bool = False) -> Callable[[type[_Model]], type[_Model]]:
    """Give a model the fields of `record` that it lacks: all, or those marked as `shown`."""

    def add(model: type[_Model]) -> type[_Model]:
        missing = [field for field in fields_of(record) if field.name not in model.model_fields]
        types: dict[str, Any] = {field.name: (_type(field), ...) for field in missing if field.shown or not shown}
        return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **types)

    return add


def body_values(record: type, row: Mapping[str, Any], shown: bool = False) -> dict[str, Any]:
    """Values of a row in the types of `body_of`."""
    return {field.name: _value(field, row[field.name]) for field in fields_of(record) if field.shown or not shown}


def _type(field: Field) -> Any:
    return _JSON[field.type] | None if field.nullable and not field.is_list else _JSON[field.type]


def _value(field: Field, value: Any) -> Any:
    if field.is_list:
        return value or []
    return to_iso(value) if field.type is FieldType.TIME and value is not None else value
