"""The API document: everything that a caller can send has a description and an example."""

from typing import Any

import pytest

from tests.unit.api.conftest import api_document

DOCUMENT: dict[str, Any] = api_document()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    if path.startswith("/v1/")
    for method, operation in operations.items()
}
PARAMETERS = {
    f"{name} {each['name']}": each
    for name, reported in OPERATIONS.items()
    for each in reported.get("parameters", ())
}
BODIES = {
    f"{name} {media_type}": content["schema"]
    for name, reported in OPERATIONS.items()
    for media_type, content in reported.get("requestBody", {}).get("content", {}).items()
}


def test_the_document_has_operations_with_parameters_and_bodies() -> None:
    assert len(OPERATIONS) >= 20
    assert len(PARAMETERS) >= 40
    assert len(BODIES) >= 8


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_a_description(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation["description"]) > 20


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_has_a_description_and_an_example(name: str) -> None:
    parameter = PARAMETERS[name]
    assert len(parameter["description"]) > 10
    assert parameter["schema"].get("examples") or parameter.get("examples") or "example" in parameter


@pytest.mark.parametrize("name", BODIES)
def test_every_body_has_a_description_and_an_example(name: str) -> None:
    schema = BODIES[name]
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert len(schema["description"]) > 10
    assert schema.get("examples") or any(each.get("examples") for each in schema["properties"].values())
