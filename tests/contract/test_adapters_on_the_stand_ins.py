"""The same promises once more, where the other side keeps a state of its own: the Google and Cloud Tasks stand-ins."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession

from secciones.adapters.access_token import CredentialsToken
from secciones.adapters.cloud_tasks import CloudTasksQueue
from secciones.adapters.directory import (
    ACCOUNTS_SCOPE,
    PASSWORDS_SCOPE,
    DirectoryAccounts,
    DirectoryGlance,
    DirectoryPasswords,
)
from secciones.adapters.gmail import SCOPE as MAIL_SCOPE
from secciones.adapters.gmail import GmailMailer
from secciones.adapters.google_credentials import CLOUD_PLATFORM, application_credentials, delegated_credentials
from secciones.adapters.google_oidc import GoogleIdentityProvider, OidcCallerVerifier
from secciones.adapters.kms import SCOPE as KMS_SCOPE
from secciones.adapters.kms import KmsOpener, KmsSealer
from secciones.adapters.pace import Pace
from secciones.domain.errors import (
    CallerRefused,
    ChangeRefused,
    DirectoryUnavailable,
    ListingExpired,
    MailUnavailable,
    QueueUnavailable,
    SignInFailed,
)
from secciones.ports.mailer import Attachment, Mail
from secciones.ports.sign_in import Identity, SignInAttempt
from tests.support import cloud_tasks
from tests.support.google_edge import NoWait
from tests.support.google_stand_in import (
    ARCHIVED,
    CLIENT_ID,
    CLIENT_SECRET,
    DELEGATED_ADMIN,
    DOMAIN,
    KMS_KEY,
    NEWCOMER,
    OUTSIDER,
    PASSWORD,
    REDIRECT,
    STUDENT,
    SUPER_ADMIN,
    SUSPENDED,
    TASKS,
    TEACHER,
    WORKER,
    Browser,
    StandIn,
    code_of,
)

TEMPORARY = "gato-nube-483726"
BATCH = "abcdefghijklmnopqrstuvwxyz"
ATTEMPT = SignInAttempt(state="s" * 43, nonce="n" * 43, code_verifier="v" * 43)
MAIL = Mail(
    to=TEACHER,
    subject="Contraseñas de Primer Grado, sección A",
    text="Zoila Ávalos · 1000001 · gato-nube-483726",
    html="<p>Zoila Ávalos</p>",
    attachments=(Attachment("cuentas.csv", "text/csv; charset=utf-8", "Ávalos\r\n".encode("utf-8-sig")),),
    message_id="<abcd2345@clases.edu.sv>",
    date=datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def own_credentials(google: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests run as the worker does: with a key file that google.auth finds."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.key_file(WORKER)))


@pytest.fixture
def no_wait() -> NoWait:
    return NoWait()


@pytest.fixture
def accounts(google: StandIn, no_wait: NoWait) -> DirectoryAccounts:
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [ACCOUNTS_SCOPE], f"{google.url}/token")
    return DirectoryAccounts(credentials, google.url, Pace(60_000), random=no_wait.random, sleep=no_wait.sleep)


@pytest.fixture
def passwords(google: StandIn, no_wait: NoWait) -> DirectoryPasswords:
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [PASSWORDS_SCOPE], f"{google.url}/token")
    return DirectoryPasswords(credentials, google.url, Pace(60_000), random=no_wait.random, sleep=no_wait.sleep)


@pytest.fixture
def mailer(google: StandIn, no_wait: NoWait) -> GmailMailer:
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [MAIL_SCOPE], f"{google.url}/token")
    return GmailMailer(
        credentials, google.url, DELEGATED_ADMIN, "Ministerio de Educación", random=no_wait.random, sleep=no_wait.sleep
    )


@pytest.fixture
def browser(google: StandIn) -> Iterator[Browser]:
    browser = Browser(google)
    yield browser
    browser.close()


@pytest.fixture
def identity_provider(google: StandIn) -> GoogleIdentityProvider:
    return GoogleIdentityProvider(google.url, CLIENT_ID, CLIENT_SECRET, REDIRECT, DOMAIN)


def account_id(accounts: DirectoryAccounts, address: str) -> str:
    found = accounts.find(address)
    assert found is not None
    return found.id


def code_for(browser: Browser, provider: GoogleIdentityProvider, address: str) -> str:
    """The code that a person brings back from the provider's pages."""
    chooser = browser.session.get(provider.authorization_url(ATTEMPT), allow_redirects=False, timeout=10)
    return code_of(browser.enter(browser.choose(chooser, address), address, PASSWORD))


def id_token(google: StandIn, service_account: str, audience: str) -> str:
    """A token as IAM makes them for Cloud Tasks."""
    session = AuthorizedSession(application_credentials([CLOUD_PLATFORM]))
    url = f"{google.url}/v1/projects/-/serviceAccounts/{service_account}:generateIdToken"
    answer = session.post(url, json={"audience": audience, "includeEmail": True}, timeout=10)
    return str(answer.json()["token"])


# Directory


def test_the_directory_tells_administrators_suspended_people_and_newcomers_apart(accounts: DirectoryAccounts) -> None:
    seen = {
        address: accounts.find(address) for address in (SUPER_ADMIN, DELEGATED_ADMIN, SUSPENDED, ARCHIVED, NEWCOMER)
    }

    assert all(seen.values())
    flags = {address: (found.is_administrator, found.is_suspended) for address, found in seen.items() if found}
    assert flags == {
        SUPER_ADMIN: (True, False),
        DELEGATED_ADMIN: (True, False),
        SUSPENDED: (False, True),
        ARCHIVED: (False, True),
        NEWCOMER: (False, False),
    }


def test_the_directory_knows_when_a_person_signed_in_last(accounts: DirectoryAccounts) -> None:
    suspended, newcomer = accounts.find(SUSPENDED), accounts.find(NEWCOMER)

    assert suspended is not None
    assert newcomer is not None
    assert suspended.last_sign_in == datetime(2026, 10, 30, 14, 5, tzinfo=UTC)
    assert newcomer.last_sign_in is None


def test_the_directory_answers_to_an_alias_with_the_account(accounts: DirectoryAccounts) -> None:
    by_alias = accounts.find(f"amunoz@{DOMAIN}")

    assert by_alias == accounts.find(TEACHER)
    assert by_alias is not None
    assert (by_alias.address, by_alias.org_unit) == (TEACHER, "/Docentes")


def test_the_directory_lists_everyone_once_and_says_when_a_place_is_not_known(accounts: DirectoryAccounts) -> None:
    page = accounts.page("")
    listed = {account.address: account for account in page.accounts}
    assert len(listed) == len(page.accounts)
    assert page.next_token == ""
    assert listed[STUDENT] == accounts.find(STUDENT)
    assert listed[SUSPENDED].is_suspended
    with pytest.raises(ListingExpired):
        accounts.page("no-such-place")


def test_a_glance_finds_by_unit_whoever_is_there_and_the_others_one_by_one(
    google: StandIn, accounts: DirectoryAccounts
) -> None:
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [ACCOUNTS_SCOPE], f"{google.url}/token")
    glance = DirectoryGlance(credentials, google.url, Pace(60_000, 1000), random=NoWait().random)
    student, teacher = accounts.find(STUDENT), accounts.find(TEACHER)
    assert student is not None
    nobody = f"nadie@{DOMAIN}"

    seen = glance.look([student.org_unit], [STUDENT, TEACHER, nobody])

    assert seen == {STUDENT: student, TEACHER: teacher, nobody: None}


def test_the_directory_has_no_strangers(accounts: DirectoryAccounts) -> None:
    assert accounts.find(f"nadie@{DOMAIN}") is None


def test_another_domain_is_forbidden_which_is_not_to_say_that_there_is_no_account(accounts: DirectoryAccounts) -> None:
    with pytest.raises(DirectoryUnavailable, match="forbidden"):
        accounts.find(OUTSIDER)


def test_a_temporary_password_works_has_to_be_changed_and_may_be_set_again(
    accounts: DirectoryAccounts, passwords: DirectoryPasswords, browser: Browser
) -> None:
    student = account_id(accounts, STUDENT)

    passwords.set_temporary_password(student, TEMPORARY)
    passwords.set_temporary_password(student, TEMPORARY)

    assert "new_password" in browser.own_page(STUDENT, TEMPORARY).text
    assert "new_password" not in browser.own_page(STUDENT, PASSWORD).text


def test_an_administrators_password_is_refused(accounts: DirectoryAccounts, passwords: DirectoryPasswords) -> None:
    with pytest.raises(ChangeRefused, match="forbidden"):
        passwords.set_temporary_password(account_id(accounts, SUPER_ADMIN), TEMPORARY)


def test_a_password_for_nobody_is_refused(passwords: DirectoryPasswords) -> None:
    with pytest.raises(ChangeRefused, match="notFound"):
        passwords.set_temporary_password("999999999999999999999", TEMPORARY)


@pytest.mark.parametrize("password", ["corta", "ñandú-nube-48"])
def test_a_password_that_google_does_not_take_is_refused(
    accounts: DirectoryAccounts, passwords: DirectoryPasswords, password: str
) -> None:
    with pytest.raises(ChangeRefused, match="invalid"):
        passwords.set_temporary_password(account_id(accounts, NEWCOMER), password)


def test_a_quota_that_is_used_up_is_waited_for_three_times(
    google: StandIn, accounts: DirectoryAccounts, no_wait: NoWait
) -> None:
    google.control("quota", {"per_minute": 1})
    accounts.find(TEACHER)

    with pytest.raises(DirectoryUnavailable, match="userRateLimitExceeded"):
        accounts.find(TEACHER)

    assert len(no_wait.waits) == 2


def test_a_change_whose_answer_was_lost_is_made_again_without_harm(
    google: StandIn, accounts: DirectoryAccounts, passwords: DirectoryPasswords
) -> None:
    newcomer = account_id(accounts, NEWCOMER)
    google.control("faults", {"api": "directory", "method": "users.patch", "status": 503, "after": True})

    passwords.set_temporary_password(newcomer, TEMPORARY)

    assert [told["method"] for told in google.history()["directory"]].count("users.patch") == 2


def test_looking_with_a_scope_that_was_not_granted_is_a_fault_of_the_configuration(
    google: StandIn, no_wait: NoWait
) -> None:
    scope = "https://www.googleapis.com/auth/admin.directory.group"
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [scope], f"{google.url}/token")
    accounts = DirectoryAccounts(credentials, google.url, Pace(60_000), random=no_wait.random, sleep=no_wait.sleep)

    with pytest.raises(DirectoryUnavailable, match="unauthorized_client"):
        accounts.find(TEACHER)


def test_the_scope_for_looking_changes_nothing(google: StandIn, accounts: DirectoryAccounts, no_wait: NoWait) -> None:
    credentials = partial(delegated_credentials, WORKER, DELEGATED_ADMIN, [ACCOUNTS_SCOPE], f"{google.url}/token")
    looking_only = DirectoryPasswords(credentials, google.url, Pace(60_000), random=no_wait.random, sleep=no_wait.sleep)

    with pytest.raises(DirectoryUnavailable):
        looking_only.set_temporary_password(account_id(accounts, NEWCOMER), TEMPORARY)


def test_many_threads_find_many_people(accounts: DirectoryAccounts) -> None:
    addresses = [TEACHER, STUDENT, NEWCOMER, SUSPENDED] * 10

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(accounts.find, addresses))

    assert [account.address if account else None for account in found] == addresses


# Gmail


def test_a_mail_arrives_in_the_teachers_mailbox(google: StandIn, mailer: GmailMailer) -> None:
    mailer.send(replace(MAIL, message_id="<arrives@clases.edu.sv>"))

    (mail,) = [mail for mail in google.history()["mail"] if mail["messageId"] == "<arrives@clases.edu.sv>"]
    assert mail["to"] == [TEACHER]
    assert mail["subject"] == MAIL.subject
    assert DELEGATED_ADMIN in mail["from"]
    page = requests.get(f"{google.url}/mail/{TEACHER}", timeout=10)
    assert MAIL.subject in page.text


def test_a_mail_goes_out_at_the_third_try(google: StandIn, mailer: GmailMailer) -> None:
    google.control(
        "faults", {"api": "gmail", "method": "send", "status": 429, "reason": "rateLimitExceeded", "times": 2}
    )

    mailer.send(replace(MAIL, message_id="<third@clases.edu.sv>"))

    assert [mail["messageId"] for mail in google.history()["mail"]].count("<third@clases.edu.sv>") == 1


def test_a_mail_that_gmail_does_not_take_now_may_go_later(google: StandIn, mailer: GmailMailer) -> None:
    google.control("faults", {"api": "gmail", "status": 503, "body": "<html>try later</html>", "times": 3})

    with pytest.raises(MailUnavailable, match="http503"):
        mailer.send(MAIL)


# Cloud KMS


def test_a_seal_opens_in_its_context_alone(google: StandIn, no_wait: NoWait) -> None:
    token = CredentialsToken(partial(application_credentials, [KMS_SCOPE]))
    sealer = KmsSealer(token, google.url, KMS_KEY, random=no_wait.random, sleep=no_wait.sleep)
    opener = KmsOpener(token, google.url, KMS_KEY, random=no_wait.random, sleep=no_wait.sleep)
    seed = bytes(range(32))

    sealed = sealer.seal(seed, BATCH)

    assert opener.open(sealed, BATCH) == seed
    for spoiled, context in ((sealed, BATCH[::-1]), (sealed[:-1], BATCH), (b"", BATCH), (b"no seal", BATCH)):
        with pytest.raises(ValueError, match="no seal for this context"):
            opener.open(spoiled, context)


# OpenID Connect


def test_a_teacher_signs_in(browser: Browser, identity_provider: GoogleIdentityProvider) -> None:
    identity = identity_provider.identify(code_for(browser, identity_provider, TEACHER), ATTEMPT)

    assert identity == Identity(
        subject=identity.subject,
        address=TEACHER,
        name="Ana María Muñoz de Peña",
        hosted_domain=DOMAIN,
        address_is_verified=True,
    )
    assert identity.subject


def test_a_person_of_no_organisation_is_told_as_such(
    browser: Browser, identity_provider: GoogleIdentityProvider
) -> None:
    identity = identity_provider.identify(code_for(browser, identity_provider, OUTSIDER), ATTEMPT)

    assert identity.hosted_domain == ""


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(replace(ATTEMPT, code_verifier="w" * 43), id="another verifier"),
        pytest.param(replace(ATTEMPT, nonce="m" * 43), id="another nonce"),
    ],
)
def test_a_code_of_another_attempt_is_no_proof(
    browser: Browser, identity_provider: GoogleIdentityProvider, attempt: SignInAttempt
) -> None:
    code = code_for(browser, identity_provider, TEACHER)

    with pytest.raises(SignInFailed):
        identity_provider.identify(code, attempt)


def test_a_code_is_good_for_once(browser: Browser, identity_provider: GoogleIdentityProvider) -> None:
    code = code_for(browser, identity_provider, TEACHER)
    identity_provider.identify(code, ATTEMPT)

    with pytest.raises(SignInFailed):
        identity_provider.identify(code, ATTEMPT)


def test_a_caller_is_who_iam_says(google: StandIn) -> None:
    audience = "http://localhost:8085/"
    verifier = OidcCallerVerifier(google.url)

    verifier.verify(id_token(google, TASKS, audience), audience, TASKS)

    for token, wanted in ((id_token(google, WORKER, audience), TASKS), (id_token(google, TASKS, "another"), TASKS)):
        with pytest.raises(CallerRefused):
            verifier.verify(token, audience, wanted)


# Cloud Tasks


def test_a_batch_is_brought_to_the_worker_once_for_each_number(tasks: cloud_tasks.Cloud) -> None:
    with cloud_tasks.called_worker() as worker:
        queue = CloudTasksQueue(AnonymousCredentials, tasks.url, cloud_tasks.QUEUE, worker.url, cloud_tasks.CALLER)
        for number in (1, 1, 2):
            queue.enqueue(BATCH, number)
        cloud_tasks.eventually(lambda: len(worker.calls) == 2)

    assert [json.loads(body) for body in worker.bodies()] == [{"batch": BATCH}] * 2
    assert worker.headers("Content-Type") == ["application/json"] * 2
    assert worker.headers("Authorization") == [f"Bearer id-token-for-{worker.url}"] * 2
    assert {re.sub(r".*/", "", name or "") for name in worker.headers("X-CloudTasks-TaskName")} == {
        f"{BATCH}-1",
        f"{BATCH}-2",
    }


def test_a_queue_that_does_not_exist_is_unavailable(tasks: cloud_tasks.Cloud) -> None:
    nowhere = f"{cloud_tasks.PARENT}/queues/nowhere"
    queue = CloudTasksQueue(AnonymousCredentials, tasks.url, nowhere, "http://localhost:9/", cloud_tasks.CALLER)

    with pytest.raises(QueueUnavailable):
        queue.enqueue(BATCH, 1)
