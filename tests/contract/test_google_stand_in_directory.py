"""The stand-in's Directory, driven by Google's own client: what it answers, refuses and counts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from infra.local.google.discovery import Document, Violation
from tests.support.google_stand_in import (
    ACCOUNTS,
    CLOUD,
    DELEGATED_ADMIN,
    DOMAIN,
    LOGIN,
    NEWCOMER,
    OUTSIDER,
    PASSWORD,
    READ_USERS,
    SEND_MAIL,
    STUDENT,
    SUPER_ADMIN,
    SUSPENDED,
    TEACHER,
    USERS,
    Browser,
    StandIn,
    client,
    credentials,
    directory,
    rooted,
    running_stand_in,
)

TEMPORARY = "gato-nube-483726"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running_stand_in(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture
def google(server: StandIn) -> StandIn:
    server.clear()
    return server


@pytest.fixture
def users(google: StandIn) -> Iterator[Any]:
    with directory(google) as service:
        yield service.users()


def reason_of(error: HttpError) -> str:
    return str(json.loads(error.content)["error"]["errors"][0]["reason"])


def refusal(request: Any) -> tuple[int, str, str]:
    """Status, reason and message with which the call fails."""
    with pytest.raises(HttpError) as raised:
        request.execute()
    error = json.loads(raised.value.content)["error"]["errors"][0]
    return raised.value.status_code, error["reason"], error["message"]


def test_a_user_is_found_by_address_alias_and_id(users: Any) -> None:
    found = users.get(userKey=TEACHER).execute()

    assert found["primaryEmail"] == TEACHER
    assert found["name"]["givenName"] == "Ana María"
    assert found["name"]["fullName"] == "Ana María Muñoz de Peña"
    assert users.get(userKey=f"AMUNOZ@{DOMAIN}".upper()).execute() == found
    assert users.get(userKey=found["id"]).execute() == found


def test_a_user_shows_what_the_sample_says_and_never_a_password(users: Any) -> None:
    teacher = users.get(userKey=TEACHER).execute()
    newcomer = users.get(userKey=NEWCOMER).execute()
    suspended = users.get(userKey=SUSPENDED).execute()

    assert len(teacher["id"]) == 21
    assert teacher["orgUnitPath"] == "/Docentes"
    assert teacher["lastLoginTime"] == "2026-10-30T14:05:00.000Z"
    assert (newcomer["lastLoginTime"], newcomer["agreedToTerms"]) == ("1970-01-01T00:00:00.000Z", False)
    assert (suspended["suspended"], suspended["suspensionReason"]) == (True, "ADMIN")
    assert "password" not in teacher


@pytest.mark.parametrize("key", [f"nadie@{DOMAIN}", "100000000000000000000"])
def test_an_unknown_user_is_not_found_in_google_s_words(users: Any, key: str) -> None:
    assert refusal(users.get(userKey=key)) == (404, "notFound", "Resource Not Found: userKey")


def test_an_account_of_another_domain_is_none_of_the_directory_s(users: Any) -> None:
    assert refusal(users.get(userKey=OUTSIDER)) == (403, "forbidden", "Not Authorized to access this resource/api")
    listed = users.list(customer="my_customer").execute()["users"]
    assert OUTSIDER not in [user["primaryEmail"] for user in listed]


def test_a_temporary_password_is_set_and_has_to_be_changed(users: Any) -> None:
    changed = users.patch(userKey=STUDENT, body={"password": TEMPORARY, "changePasswordAtNextLogin": True}).execute()

    assert changed["changePasswordAtNextLogin"] is True
    assert "password" not in changed


def test_put_changes_only_what_it_names(users: Any) -> None:
    before = users.get(userKey=NEWCOMER).execute()

    changed = users.update(userKey=NEWCOMER, body={"name": {"givenName": "Abelardo"}}).execute()

    assert changed["name"]["fullName"] == "Abelardo Zepeda"
    assert changed["etag"] != before["etag"]
    assert {**changed, "name": 0, "etag": 0} == {**before, "name": 0, "etag": 0}


def test_an_empty_patch_changes_nothing(users: Any) -> None:
    before = users.get(userKey=STUDENT).execute()

    assert users.patch(userKey=STUDENT, body={}).execute() == before


def test_what_is_read_only_cannot_be_written(users: Any) -> None:
    before = users.get(userKey=STUDENT).execute()

    after = users.patch(userKey=STUDENT, body={"id": "1", "isAdmin": True, "lastLoginTime": None}).execute()

    assert after == before


def test_null_clears_a_field(users: Any) -> None:
    assert users.patch(userKey=STUDENT, body={"recoveryEmail": "a@example.com"}).execute()["recoveryEmail"]

    assert "recoveryEmail" not in users.update(userKey=STUDENT, body={"recoveryEmail": None}).execute()


def test_an_account_moves_only_to_a_unit_that_exists(users: Any) -> None:
    body = {"orgUnitPath": "/No existe"}
    assert refusal(users.patch(userKey=STUDENT, body=body))[:2] == (400, "invalid")

    moved = users.patch(userKey=STUDENT, body={"orgUnitPath": "/Estudiantes"}).execute()

    assert moved["orgUnitPath"] == "/Estudiantes"


def test_a_renamed_account_keeps_its_old_address_as_an_alias(google: StandIn, users: Any) -> None:
    google.control("accounts", {"address": f"antes@{DOMAIN}", "orgUnitPath": "/Estudiantes"})

    renamed = users.patch(userKey=f"antes@{DOMAIN}", body={"primaryEmail": f"despues@{DOMAIN}"}).execute()

    assert renamed["aliases"] == [f"antes@{DOMAIN}"]
    assert users.get(userKey=f"antes@{DOMAIN}").execute()["primaryEmail"] == f"despues@{DOMAIN}"
    assert refusal(users.patch(userKey=STUDENT, body={"primaryEmail": f"despues@{DOMAIN}"}))[0] == 409


@pytest.mark.parametrize("password", ["", "1234567", "x" * 101, "contraseña-larga"])
def test_a_password_that_google_would_not_take_is_invalid(users: Any, password: str) -> None:
    assert refusal(users.patch(userKey=STUDENT, body={"password": password})) == (400, "invalid", "Invalid Password")


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("MD5", "no es hexadecimal"),
        ("SHA-1", "0" * 39),
        ("SHA-256", "0" * 64),
        ("crypt", "$6$rounds=10001$sal$" + "a" * 86),
        ("crypt", "$2b$12$" + "a" * 53),
    ],
)
def test_a_hash_that_google_would_not_take_is_invalid(users: Any, function: str, value: str) -> None:
    body = {"password": value, "hashFunction": function}

    assert refusal(users.patch(userKey=STUDENT, body=body))[:2] == (400, "invalid")


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("MD5", "65d41962fb84b4d22ff16b5266b293e1"),
        ("SHA-1", "F7C4B32B9112B6084CB626A0EAB19894E0233EA7"),
        ("crypt", "$1$abcdefgh$kJOijAIHmo7JcAApxmo140"),
        ("crypt", "$5$abcdefgh$prZFuXPLXI1ZB6pnFeitd3KQBlgikUaFHsb7kKF9Sx7"),
        (
            "crypt",
            "$6$abcdefgh$FFuKF65YfVfW2NhAg.B6vMQEKJnZufCt6hEggk8m/MmzEs11Uk5/f9Ou41Yi3cmTSUqVBNSg41mUPdEAYGs02.",
        ),
    ],
)
def test_a_hashed_password_opens_the_sign_in_page(google: StandIn, users: Any, function: str, value: str) -> None:
    change = {"password": value, "hashFunction": function, "changePasswordAtNextLogin": False}
    users.patch(userKey=STUDENT, body=change).execute()
    browser = Browser(google)

    assert browser.sign_in(STUDENT, "otra-clave-cualquiera").status_code == 200
    assert browser.sign_in(STUDENT, TEMPORARY).status_code == 302
    browser.close()


def test_an_administrator_s_account_is_closed_to_a_delegated_administrator(google: StandIn, users: Any) -> None:
    body = {"password": TEMPORARY}
    for target in (SUPER_ADMIN, DELEGATED_ADMIN):
        assert refusal(users.patch(userKey=target, body=body))[:2] == (403, "forbidden")

    with directory(google, SUPER_ADMIN) as service:
        assert service.users().patch(userKey=DELEGATED_ADMIN, body=body).execute()


def test_a_teacher_administers_nobody(google: StandIn) -> None:
    with directory(google, TEACHER) as service:
        assert refusal(service.users().get(userKey=STUDENT))[:2] == (403, "forbidden")
        public = service.users().get(userKey=STUDENT, viewType="domain_public").execute()

    assert public["primaryEmail"] == STUDENT
    assert "orgUnitPath" not in public


def test_a_read_only_scope_reads_and_changes_nothing(google: StandIn) -> None:
    with client(google, "admin", "directory_v1", credentials(google, DELEGATED_ADMIN, READ_USERS, account=LOGIN)) as it:
        assert it.users().get(userKey=STUDENT).execute()["primaryEmail"] == STUDENT
        status, reason, _ = refusal(it.users().patch(userKey=STUDENT, body={"password": TEMPORARY}))

    assert (status, reason) == (403, "insufficientPermissions")


def test_a_scope_that_was_not_delegated_gives_no_token(google: StandIn) -> None:
    with (
        client(google, "admin", "directory_v1", credentials(google, DELEGATED_ADMIN, USERS, account=LOGIN)) as it,
        pytest.raises(RefreshError, match="unauthorized_client"),
    ):
        it.users().get(userKey=STUDENT).execute()


def test_a_service_account_in_nobody_s_name_administers_nobody(google: StandIn) -> None:
    with client(google, "admin", "directory_v1", credentials(google, None, USERS)) as service:
        assert refusal(service.users().get(userKey=STUDENT))[:2] == (403, "forbidden")


@pytest.mark.parametrize(("headers", "reason"), [({}, "required"), ({"Authorization": "Bearer ya29.no"}, "authError")])
def test_without_a_token_that_is_good_the_answer_is_401(google: StandIn, headers: dict[str, str], reason: str) -> None:
    answer = requests.get(f"{google.url}/admin/directory/v1/users/{STUDENT}", headers=headers, timeout=10)

    assert answer.status_code == 401
    assert answer.json()["error"]["errors"][0]["reason"] == reason
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_the_list_is_paged_ordered_and_complete(users: Any) -> None:
    listed: list[str] = []
    request = users.list(customer="my_customer", maxResults=3, orderBy="familyName", sortOrder="DESCENDING")
    while request is not None:
        page = request.execute()
        assert len(page["users"]) <= 3
        listed += [user["name"]["familyName"] for user in page["users"]]
        request = users.list_next(request, page)

    assert listed == sorted(listed, key=str.lower, reverse=True)
    assert len(listed) >= len(ACCOUNTS) - 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("orgUnitPath='/Docentes'", ["ana.munoz", "luis.pena"]),
        ("orgUnitPath=/Docentes/99101", ["luis.pena"]),
        ("orgUnitPath='/Estudiantes/99204' isSuspended=true", ["1000003"]),
        ("orgUnitPath='/Estudiantes/99204' isSuspended=false", ["1000004"]),
        (f"email={TEACHER}", ["ana.munoz"]),
        ("email:ana*", ["ana.munoz"]),
        (f"email=amunoz@{DOMAIN}", ["ana.munoz"]),
        ("isDelegatedAdmin=true", ["restablecer"]),
        ("familyName='Muñoz de Peña'", ["ana.munoz"]),
        ("givenName:ósc*", ["1000005"]),
        ("email=nadie@clases.edu.sv", []),
    ],
)
def test_a_search_finds_whom_google_would_find(users: Any, query: str, expected: list[str]) -> None:
    found = users.list(domain=DOMAIN, query=query).execute().get("users", [])

    assert [user["primaryEmail"].partition("@")[0] for user in found] == expected


def test_a_search_too_long_for_an_address_is_answered_too(users: Any) -> None:
    query = " ".join(["isSuspended=true", *["orgUnitPath='/Estudiantes'"] * 100])

    found = users.list(customer="my_customer", query=query).execute()["users"]

    assert [user["primaryEmail"] for user in found] == [SUSPENDED]


@pytest.mark.parametrize(
    ("parameters", "status", "reason"),
    [
        ({}, 400, "badRequest"),
        ({"customer": "my_customer", "query": "orgUnitPath='/abierta"}, 400, "invalid"),
        ({"customer": "my_customer", "query": "estatura=180"}, 400, "invalid"),
        ({"customer": "my_customer", "pageToken": "inventado"}, 400, "invalid"),
        ({"customer": "otro"}, 400, "invalid"),
        ({"domain": "example.com"}, 404, "notFound"),
        ({"customer": "my_customer", "maxResults": 501}, 400, "invalid"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(users: Any, parameters: Any, status: int, reason: str) -> None:
    assert refusal(users.list(**parameters))[:2] == (status, reason)


def test_a_page_token_belongs_to_its_search(users: Any) -> None:
    token = users.list(customer="my_customer", maxResults=1).execute()["nextPageToken"]

    assert refusal(users.list(domain=DOMAIN, maxResults=1, pageToken=token))[:2] == (400, "invalid")


def test_fields_narrows_the_answer(users: Any) -> None:
    assert users.get(userKey=STUDENT, fields="primaryEmail,name/givenName").execute() == {
        "primaryEmail": STUDENT,
        "name": {"givenName": "Zoila"},
    }
    page = users.list(customer="my_customer", maxResults=1, fields="users(id),nextPageToken").execute()
    assert set(page) == {"users", "nextPageToken"}
    assert set(page["users"][0]) == {"id"}


@pytest.mark.parametrize("fields", ["estatura", "name(", "name/estatura", "a,,b"])
def test_a_selection_of_fields_that_do_not_exist_is_refused(users: Any, fields: str) -> None:
    assert refusal(users.get(userKey=STUDENT, fields=fields))[:2] == (400, "invalidParameter")


def direct(google: StandIn, verb: str, path: str, **options: Any) -> requests.Response:
    """A call that Google's client would not let one make."""
    made = credentials(google, DELEGATED_ADMIN, USERS)
    with AuthorizedSession(made) as session:
        answer: requests.Response = session.request(
            verb, f"{google.url}/admin/directory/v1/users{path}", timeout=10, **options
        )
    return answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"clave": "x"}, "Invalid JSON payload received. Unknown name \"clave\" at 'user': Cannot find field."),
        (
            {"name": {"apodo": "x"}},
            "Invalid JSON payload received. Unknown name \"apodo\" at 'user.name': Cannot find field.",
        ),
        ({"suspended": "no"}, "Invalid value at 'user.suspended' (TYPE_BOOL), \"no\""),
        ({"password": 12345678}, "Invalid value at 'user.password' (TYPE_STRING), 12345678"),
        ([], "Invalid JSON payload received. Expected an object."),
    ],
)
def test_a_body_that_breaks_the_discovery_document_is_refused(google: StandIn, body: Any, message: str) -> None:
    answer = direct(google, "PATCH", f"/{STUDENT}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert answer.json()["error"]["message"] == message


def test_a_body_that_is_no_json_is_refused(google: StandIn) -> None:
    answer = direct(google, "PATCH", f"/{STUDENT}", data="{", headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["proyeccion=full", "projection=todo", "maxResults=muchos"])
def test_a_parameter_that_the_discovery_document_does_not_know_is_refused(google: StandIn, query: str) -> None:
    answer = direct(google, "GET", f"?customer=my_customer&{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "invalid"


def test_a_method_that_is_not_served_gets_google_s_html_404(google: StandIn) -> None:
    answer = direct(google, "DELETE", f"/{STUDENT}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")


def test_an_account_still_being_created_answers_412(google: StandIn, users: Any) -> None:
    address = f"nueva@{DOMAIN}"
    google.control("accounts", {"address": address, "orgUnitPath": "/Estudiantes", "creating": True})
    request = users.patch(userKey=address, body={"password": TEMPORARY})

    assert refusal(request) == (412, "conditionNotMet", "User creation is not complete.")

    google.control("accounts", {"address": address, "creating": False})
    assert request.execute()["primaryEmail"] == address


def test_the_quota_is_counted_for_each_person_who_is_impersonated(google: StandIn, users: Any) -> None:
    google.control("quota", {"per_minute": 3})
    for _ in range(3):
        users.get(userKey=STUDENT).execute()

    assert refusal(users.get(userKey=STUDENT))[:2] == (403, "userRateLimitExceeded")
    with directory(google, SUPER_ADMIN) as other:
        assert other.users().get(userKey=STUDENT).execute()


def test_a_batch_answers_each_call_apart_and_each_counts(google: StandIn) -> None:
    google.control("quota", {"per_minute": 3})
    outcomes: dict[str, Any] = {}

    def note(request_id: str, response: Any, error: HttpError | None) -> None:
        outcomes[request_id] = reason_of(error) if error else response["primaryEmail"]

    with rooted(google, "admin", "directory_v1", credentials(google, DELEGATED_ADMIN, USERS)) as service:
        batch = service.new_batch_http_request(callback=note)
        batch.add(service.users().get(userKey=STUDENT), request_id="lookup")
        batch.add(service.users().get(userKey=f"nadie@{DOMAIN}"), request_id="nobody")
        change = {"password": TEMPORARY, "changePasswordAtNextLogin": True}
        batch.add(service.users().patch(userKey=NEWCOMER, body=change), request_id="change")
        batch.add(service.users().get(userKey=TEACHER), request_id="one too many")
        batch.execute()

    assert outcomes == {
        "lookup": STUDENT,
        "nobody": "notFound",
        "change": NEWCOMER,
        "one too many": "userRateLimitExceeded",
    }
    assert [told["changes"] for told in google.history()["directory"] if told["method"] == "users.patch"] == [change]


def test_a_batch_of_more_than_a_thousand_calls_is_refused(google: StandIn) -> None:
    part = "--x\r\nContent-Type: application/http\r\n\r\nGET /admin/directory/v1/users/1\r\n\r\n"
    answer = requests.post(
        f"{google.url}/batch",
        data=part * 1001 + "--x--",
        headers={"Content-Type": "multipart/mixed; boundary=x"},
        timeout=30,
    )

    assert answer.status_code == 400


def test_the_history_tells_what_the_directory_was_told(google: StandIn, users: Any) -> None:
    users.patch(userKey=STUDENT, body={"password": TEMPORARY}).execute()
    users.get(userKey=TEACHER).execute()

    told = [(entry["method"], entry["userKey"], entry["changes"]) for entry in google.history()["directory"]]

    assert told == [("users.patch", STUDENT, {"password": TEMPORARY}), ("users.get", TEACHER, {})]


def test_the_state_file_holds_no_password_in_clear(google: StandIn, users: Any) -> None:
    users.patch(userKey=STUDENT, body={"password": TEMPORARY}).execute()

    kept = b"".join(path.read_bytes() for path in (google.folder / "state").iterdir())

    assert STUDENT.encode() in kept
    assert TEMPORARY.encode() not in kept
    assert PASSWORD.encode() not in kept


def test_every_answer_of_the_stand_in_keeps_to_its_schema() -> None:
    document = Document("admin.directory_v1.json")

    document.check_answer("User", {"id": "1", "lastLoginTime": "1970-01-01T00:00:00.000Z"})
    for wrong in ({"estatura": 1}, {"suspended": "false"}, {"lastLoginTime": "ayer"}, {"id": None}, {"aliases": "x"}):
        with pytest.raises(Violation):
            document.check_answer("User", wrong)


def test_the_documents_are_those_of_the_client() -> None:
    assert get_static_doc("admin", "directory_v1")
    assert Document("admin.directory_v1.json").method("directory.users.list").scopes >= {USERS, READ_USERS, CLOUD}
    assert SEND_MAIL in Document("gmail.v1.json").method("gmail.users.messages.send").scopes


def test_the_state_survives_a_kill(tmp_path: Path) -> None:
    with running_stand_in(tmp_path) as google:
        with directory(google) as service:
            service.users().patch(userKey=STUDENT, body={"password": TEMPORARY, "suspended": True}).execute()
            before = service.users().get(userKey=STUDENT).execute()

        google.restart()

        with directory(google) as service:
            assert service.users().get(userKey=STUDENT).execute() == before
