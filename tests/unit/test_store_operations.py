"""What a teacher's way through the pages costs in calls to the store, which is what Firestore's time goes into.

A call is a read of documents, however many, a query, or a commit, however many writes; every audit
event is one. Pages and worker are the real ones.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from secciones.domain.batches import BatchState
from secciones.domain.quota import WORKER_BURST
from secciones.ports.documents import Document, Documents, Key, Transaction
from secciones.ports.sign_in import Identity
from secciones.services.mirror_accounts import mirror_accounts
from secciones.services.sign_in import Institution, begin_sign_in, complete_sign_in
from secciones.web.session import csrf_token
from tests.support.fakes import FakeProvider
from tests.support.site import SALT, SECRET, Pages
from tests.support.world import DOMAIN, DUI_AND_NIP, SCHOOL, SECTION, SESSION, TEACHER, World, account

T = TypeVar("T")

SECONDS_OF_A_CHANGE = 60 / 540


@dataclass
class CountedTransaction:
    """A document is asked for once, as in Firestore's adapter."""

    inner: Transaction
    counted: "CountedDocuments"
    fetched: set[Key]
    has_written: bool = False

    def read_ahead(self, *keys: Key) -> None:
        self._fetch(keys)
        self.inner.read_ahead(*keys)

    def get(self, collection: str, document_id: str) -> Document | None:
        self._fetch([(collection, document_id)])
        return self.inner.get(collection, document_id)

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        self._fetch([(collection, document_id) for document_id in document_ids])
        return self.inner.get_many(collection, document_ids)

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self.has_written = True
        self.fetched.add((collection, document_id))
        self.inner.set(collection, document_id, document)

    def delete(self, collection: str, document_id: str) -> None:
        self.has_written = True
        self.fetched.add((collection, document_id))
        self.inner.delete(collection, document_id)

    def _fetch(self, keys: Collection[Key]) -> None:
        missing = set(keys) - self.fetched
        if missing:
            self.counted.calls.append("get " + ", ".join(sorted({collection for collection, _ in missing})))
        self.fetched |= missing


@dataclass
class CountedDocuments:
    """A store that writes down how it is called."""

    inner: Documents
    calls: list[str] = field(default_factory=list)
    memory: set[Key] | None = None

    def get(self, collection: str, document_id: str) -> Document | None:
        self.calls.append(f"get {collection}")
        return self.inner.get(collection, document_id)

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        self.calls.append(f"create {collection}")
        return self.inner.create(collection, document_id, document)

    def delete(self, collection: str, document_id: str) -> None:
        self.calls.append(f"delete {collection}")
        self.inner.delete(collection, document_id)

    def query(
        self,
        collection: str,
        where: Mapping[str, str | int | bool],
        order_by: str,
        limit: int,
        *,
        descending: bool = False,
        after: str | int | datetime | None = None,
    ) -> Sequence[tuple[str, Document]]:
        self.calls.append(f"query {collection}")
        return self.inner.query(collection, where, order_by, limit, descending=descending, after=after)

    def remembering(self) -> "CountedDocuments":
        return replace(self, memory=set())

    def transact(self, work: Callable[[Transaction], T]) -> T:
        def counted(transaction: Transaction) -> T:
            watched = CountedTransaction(transaction, self, set(self.memory or ()))
            result = work(watched)
            if watched.has_written:
                self.calls.append("commit")
            if self.memory is not None and watched.has_written:
                self.memory |= watched.fetched
            return result

        return self.inner.transact(counted)


class Costs:
    """The world's store and audit, counted step by step."""

    def __init__(self, folder: Path, students: int) -> None:
        folder.mkdir(exist_ok=True)
        self.world = World.in_folder(folder, students)
        self.documents = CountedDocuments(self.world.documents)
        self.world.documents = self.documents
        # Changes beyond a burst take their time, or the lease would be looked at once for all of them.
        changes = itertools.count(1)
        self.world.directory.before = lambda _: self.world.clock.advance(
            seconds=SECONDS_OF_A_CHANGE if next(changes) > WORKER_BURST else 0
        )
        self.world.directory.page_size = 500
        mirror_accounts(
            self.world.documents,
            self.world.directory,
            self.world.clock,
            "/Estudiantes",
            timedelta(hours=4),
            self.world.clock.now() + timedelta(minutes=4),
        )
        self.pages = Pages(self.world)

    def of(self, step: Callable[[], Any]) -> tuple[int, Any]:
        """How many calls a step makes, and what comes of it."""
        before = len(self.documents.calls) + len(self.world.audit.events)
        result = step()
        return len(self.documents.calls) + len(self.world.audit.events) - before, result


def sign_in(world: World) -> str:
    """The cookie of the world's teacher, who comes in with Google."""
    identity = Identity(SESSION.subject, SESSION.address, TEACHER.name, DOMAIN, address_is_verified=True)
    world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit="/Docentes")
    institution = Institution(DOMAIN, "/Docentes", requires_two_step=False)
    attempt = begin_sign_in(world.ids)
    provider = FakeProvider(identity)
    return complete_sign_in(provider, world.directory, world.sessions, world.audit, institution, "good-code", attempt)


def journey(costs: Costs) -> dict[str, int]:
    """The calls of each step from the sign-in to the result; the progress is asked for five times."""
    world, pages = costs.world, costs.pages
    spent: dict[str, int] = {}

    def take(name: str, step: Callable[[], Any]) -> Any:
        spent[name], result = costs.of(step)
        return result

    def post(name: str, path: str, cookie: str, form: dict[str, Any]) -> Any:
        token = csrf_token(pages.session(cookie).id, SECRET, SALT)
        headers = {"Origin": pages.origin}
        return take(name, lambda: pages.ask("POST", path, cookie, form | {"csrf_token": token}, headers))

    dui, nip = DUI_AND_NIP
    signed_in = take("sign in", lambda: sign_in(world))
    take("form", lambda: pages.get("/secciones/identidad", signed_in))
    answer = post("verify", "/secciones/identidad", signed_in, {"dui": dui, "nip": nip})
    cookie = answer.cookies[0].partition("=")[2].partition(";")[0]
    take("schools", lambda: pages.get("/secciones/centros", cookie))
    take("sections", lambda: pages.get(f"/secciones/centros/{SCHOOL.id}", cookie))
    take("students", lambda: pages.get(f"/secciones/centros/{SCHOOL.id}/{SECTION.id}", cookie))
    students = [student.id for student in world.registry.rosters["d-1", SECTION.id].students]
    form = {"school": SCHOOL.id, "section": SECTION.id, "student": students, "form_nonce": "n" * 43}
    post("summary", "/secciones/restablecer", cookie, form)
    answer = post("submit", "/secciones/restablecer", cookie, form | {"confirmed": "yes"})
    result = answer.headers["Location"]
    take("progress", lambda: [pages.get(f"{result}/estado", cookie) for _ in range(5)])
    batch_id = result.rpartition("/")[2]
    take("worker", lambda: world.work(batch_id))
    take("result", lambda: pages.get(result, cookie))
    assert world.batch(batch_id).state is BatchState.MAILED
    return spent


# Calls by step; whoever adds one says so here. An instance asks how many batches run once in a while, not for each
# section that is opened.
BUDGET = {
    "sign in": 2,
    "form": 1,
    "verify": 5,
    "schools": 2,
    "sections": 3,
    "students": 4,
    "summary": 4,
    "submit": 6,
    "progress": 5,
    "worker": 9,
    "result": 2,
}


def test_a_teachers_way_from_the_sign_in_to_the_result_of_forty_students_takes_few_calls(tmp_path: Path) -> None:
    spent = journey(Costs(tmp_path, students=40))
    assert spent == BUDGET
    assert sum(spent.values()) - spent["progress"] <= 40


def test_a_student_more_costs_a_tenth_of_a_call(tmp_path: Path) -> None:
    few, many = (sum(journey(Costs(tmp_path / str(students), students)).values()) for students in (40, 200))

    assert (many - few) / 160 <= 0.1
