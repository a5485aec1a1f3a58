"""Properties from the OpenAPI document over every route: no fault of ours, nothing undocumented."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.auth.test_permissions import LETTERS, TABLE
from tests.api.world import Running
from tests.effort import effort

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/jsonl")
def _lines(ctx: Any, value: Any) -> Any:
    """Send bytes that a schema of `format: binary` gives as they are."""
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogatepass")


ROLE_OF = {letter: role for role, letter in LETTERS.items()}


@pytest.fixture(scope="module")
def document(running: Running) -> Any:
    """Return the schema that the service serves."""
    return schemathesis.openapi.from_url(f"{running.url}/openapi.json")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_no_input_makes_the_service_fail_or_leave_its_schema(
    document: Any, running: Running, name: str
) -> None:
    role = ROLE_OF[TABLE[name][0]]
    headers = {} if role is None else {"authorization": f"Bearer {running.world.keys[role]}"}
    found = document.find_operation_by_id(name)
    # Nothing is mined meanwhile, so that readiness may rightly be 503 by now.
    checks = [check for check in CHECKS if name != "isReady" or check is not not_a_server_error]
    takes = "parameters" in found.definition.raw or "requestBody" in found.definition.raw
    for mode in GenerationMode if takes else (GenerationMode.POSITIVE,):

        @settings(
            max_examples=effort(6, 50),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=found.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=checks)

        holds()
