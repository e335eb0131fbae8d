"""The published contract of SIGES is valid, and the stand-in keeps to every line of it, in its errors too."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra.local.siges.app import create_app
from infra.local.siges.bundle import read_bundle
from infra.local.siges.registry import StoredRegistry
from tests.support.siges import ROOT, SAMPLE, SigesStandIn, started_siges

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "infra/siges-openapi.yaml").read_text(encoding="utf-8"))
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
GOOD = {"dui": "045612397", "nip": "0023187"}


@dataclass(frozen=True)
class Case:
    """A request and the status that it must get; `down` is the fault under which it is made."""

    operation: str
    path: str
    status: int
    method: str = "GET"
    json: Any = None
    data: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    has_token: bool = True
    down: int | None = None


def verification(status: int, **changes: Any) -> Case:
    return Case("verifyTeacher", "/v1/teachers/verification", status, **{"method": "POST", "json": GOOD} | changes)


def raw(status: int, data: bytes, content_type: str = "application/json") -> Case:
    return verification(status, json=None, data=data, headers={"Content-Type": content_type})


def schools(status: int, teacher_id: str = "doc-0001", **changes: Any) -> Case:
    return Case("listTeacherSchools", f"/v1/teachers/{teacher_id}/schools", status, **changes)


def students(status: int, section_id: str = "sec-2026-99101-001", **changes: Any) -> Case:
    return Case("listSectionStudents", f"/v1/teachers/doc-0001/sections/{section_id}/students", status, **changes)


CASES = [
    verification(200),
    verification(200, json={"dui": "100000019", "nip": "0400518"}),  # without an address
    verification(200, json={"dui": "024417805", "nip": "1933064"}),  # with stray blanks
    verification(404, json=GOOD | {"nip": "0023188"}),
    verification(404, json=GOOD | {"dui": "000000000"}),
    verification(401, has_token=False),
    verification(401, headers={"Authorization": "Bearer another"}),
    verification(401, headers={"Authorization": "Basic YTpi"}),
    raw(400, b"{"),
    raw(400, b""),
    raw(400, b"\xff\xfe"),
    raw(400, b"[" * 100_000),
    raw(415, b"dui=045612397&nip=0023187", "application/x-www-form-urlencoded"),
    raw(415, b"{}", "text/plain"),
    raw(422, b"null"),
    verification(422, json=[]),
    verification(422, json={}),
    verification(422, json=GOOD | {"dui": "04561239-7"}),
    verification(422, json=GOOD | {"dui": 45612397}),
    verification(422, json=GOOD | {"dui": "٠٤٥٦١٢٣٩٧"}),
    verification(422, json=GOOD | {"nip": "0023187\n"}),
    verification(422, json=GOOD | {"name": "Marta"}),
    verification(405, method="GET", json=None),
    verification(405, method="DELETE", json=None),
    schools(200),
    schools(200, "doc-0002"),
    schools(200, "doc-0003"),
    schools(404, "doc-9999"),
    schools(404, "est-000001"),
    schools(404, "%C3%B1"),
    schools(401, has_token=False),
    schools(405, method="POST"),
    students(200),
    students(200, "sec-2026-99101-007"),
    students(200, "sec-2026-99101-010"),
    students(200, "sec-2026-99204-005"),
    students(404, "sec-2026-99101-002"),
    students(404, "sec-2025-99204-001"),
    students(404, "x" * 5000),
    students(401, has_token=False),
    students(405, method="PUT"),
    *(case(status, down=status) for case in (verification, schools, students) for status in (429, 500, 503)),
]


@pytest.fixture(scope="module")
def siges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigesStandIn]:
    with started_siges(tmp_path_factory.mktemp("siges") / "log") as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def contract(siges: SigesStandIn) -> OpenAPI:
    config = Config(extra_media_type_deserializers={"application/problem+json": json.loads})
    return OpenAPI.from_dict(DOCUMENT | {"servers": [{"url": siges.url}]}, config=config)


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_keeps_dui_and_nip_out_of_addresses() -> None:
    parameters = [
        parameter
        for path in DOCUMENT["paths"].values()
        for holder in [path, *(path[method] for method in METHODS & path.keys())]
        for parameter in holder.get("parameters", [])
    ]
    assert {parameter["$ref"].rpartition("/")[2] for parameter in parameters} == {"TeacherId", "SectionId"}


def test_the_cases_cover_every_answer_that_is_documented() -> None:
    documented = {
        (operation["operationId"], int(status))
        for path in DOCUMENT["paths"].values()
        for operation in (path[method] for method in METHODS & path.keys())
        for status in operation["responses"]
    }
    assert {(case.operation, case.status) for case in CASES} == documented


def test_the_stand_in_has_the_operations_of_the_document_and_no_other() -> None:
    app = create_app(StoredRegistry(read_bundle(SAMPLE / "oneroster"), None), "token")
    served = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")}
    assert served == {case.operation for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operation} {case.status}")
def test_the_stand_in_answers_as_documented(siges: SigesStandIn, contract: OpenAPI, case: Case) -> None:
    if case.down:
        siges.go_down(case.down, times=1, retry_after=7)
    response = send(siges, case)
    assert response.status_code == case.status
    assert_documented(contract, case.operation, response)


ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=3)
NEARLY_NUMBERS = st.from_regex("[0-9]{6,10}", fullmatch=True)


@given(body=ANY_JSON | st.dictionaries(st.sampled_from(["dui", "nip", "x"]), NEARLY_NUMBERS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_verification_gets_a_documented_answer(siges: SigesStandIn, contract: OpenAPI, body: Any) -> None:
    response = send(siges, raw(0, json.dumps(body).encode()))
    assert response.status_code in ((200, 404) if is_documented_request(contract, response.request) else (422,))
    assert_documented(contract, "verifyTeacher", response)


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


@SCHEMA.parametrize()
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
def test_whatever_schemathesis_makes_of_the_contract_is_answered_by_it(
    case: schemathesis.Case[Any], siges: SigesStandIn
) -> None:
    """Good and bad input alike: no 5xx, no status, header or body that is not documented, nothing without its token."""
    case.call_and_validate(siges.url, headers={"Authorization": f"Bearer {siges.token}"})


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "doc 1", "givenNames": "Ana", "surnames": "Rivas", "email": None},
        {"id": "doc-1", "givenNames": "Ana", "surnames": "Rivas"},
        {"id": "doc-1", "givenNames": "Ana", "surnames": "Rivas", "email": None, "dui": "045612397"},
    ],
)
def test_a_broken_answer_would_be_noticed(siges: SigesStandIn, contract: OpenAPI, broken: dict[str, Any]) -> None:
    response = send(siges, verification(200))
    response._content = json.dumps(broken).encode()  # the only way to falsify an answer
    with pytest.raises(OpenAPIError):
        assert_documented(contract, "verifyTeacher", response)


def test_a_missing_header_would_be_noticed(siges: SigesStandIn, contract: OpenAPI) -> None:
    response = send(siges, schools(401, has_token=False))
    del response.headers["WWW-Authenticate"]
    with pytest.raises(OpenAPIError):
        assert_documented(contract, "listTeacherSchools", response)


def test_paths_outside_the_contract_are_refused_too(siges: SigesStandIn) -> None:
    headers = {"Authorization": f"Bearer {siges.token}"}
    response = requests.get(f"{siges.url}/v1/students/est-000001", headers=headers, timeout=10)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["Content-Type"] == "application/problem+json"


def send(siges: SigesStandIn, case: Case) -> requests.Response:
    headers = ({"Authorization": f"Bearer {siges.token}"} if case.has_token else {}) | case.headers
    return requests.request(
        case.method, siges.url + case.path, json=case.json, data=case.data, headers=headers, timeout=10
    )


def assert_documented(contract: OpenAPI, operation: str, response: requests.Response) -> None:
    """Raises OpenAPIError when status, headers or body of an answer are not those of the document.

    A wrong method finds no operation in OpenAPI, so the answer is held against the operation of its path.
    """
    [method] = [
        method
        for path in DOCUMENT["paths"].values()
        for method in METHODS & path.keys()
        if path[method]["operationId"] == operation
    ]
    request = requests.Request(method.upper(), response.request.url).prepare()
    contract.validate_response(RequestsOpenAPIRequest(request), RequestsOpenAPIResponse(response))


def is_documented_request(contract: OpenAPI, request: requests.PreparedRequest) -> bool:
    try:
        contract.validate_request(RequestsOpenAPIRequest(request))
    except OpenAPIError:
        return False
    return True
