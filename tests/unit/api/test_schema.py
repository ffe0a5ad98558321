"""The description holds: whatever it allows, and what it does not, is answered as it says."""

import time
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from recsys.store.database import opened
from tests.application import application
from tests.live import HTTP, listening
from tests.trained import HashEncoder, place
from tests.unit.api.conftest import api_document, bearer

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
OPERATIONS = [
    (path, method, mode)
    for path, methods in api_document()["paths"].items()
    for method, reported in sorted(methods.items())
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE
    or {"parameters", "requestBody"} & reported.keys()  # else nothing can be wrong
]

some = settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BaseSchema, dict[str, str]]]:
    """The description that a service gives of itself, and the headers of an administrator."""
    where = place(tmp_path_factory.mktemp("schema"))
    with opened(where.settings.database_url) as database:
        token, _ = key_admin.create_key(application(database), Scope.ADMIN, "", "cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
        app = create_app(where.settings)
        with listening(app) as address:
            while HTTP.get(f"{address}/readyz").status_code != 200:
                time.sleep(0.05)
            yield schemathesis.openapi.from_url(f"{address}/openapi.json"), bearer(token)


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS, ids=str)
def test_an_operation_answers_as_described(
    described: tuple[BaseSchema, dict[str, str]], path: str, method: str, mode: GenerationMode
) -> None:
    schema, headers = described

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @some
    def answers(case: Case) -> None:
        case.call_and_validate(checks=CHECKS, headers=headers)

    answers()
