"""What one process sees of the outside: the fakes of the world, each call made as the schedule will have it."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from secciones.domain.accounts import Account
from secciones.domain.errors import (
    ChangeRefused,
    DirectoryUnavailable,
    DocumentsUnavailable,
    MailUnavailable,
    QueueUnavailable,
    RegistryUnavailable,
    SealerUnavailable,
)
from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School
from secciones.ports.accounts import AccountPage
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.documents import Document, Documents, Key, Transaction
from secciones.ports.mailer import Mail, Mailer
from secciones.ports.registry import Registry
from secciones.ports.task_queue import TaskQueue
from secciones.services.batches import BATCHES
from tests.faults.schedule import Fault
from tests.faults.simulation import Process
from tests.support.fakes import FakeDirectory, FakeSealer

T = TypeVar("T")


class _RolledBack(Exception):
    """The store gives this run of a transaction up and begins another."""


@dataclass(frozen=True)
class FaultyDocuments:
    """`saw` is told the state of every batch that was written."""

    process: Process
    real: Documents
    saw: Callable[[Document], None]

    def get(self, collection: str, document_id: str) -> Document | None:
        return self._call("get", lambda: self.real.get(collection, document_id))

    def create(self, collection: str, document_id: str, document: Document) -> bool:
        return self._call("create", lambda: self.real.create(collection, document_id, document))

    def delete(self, collection: str, document_id: str) -> None:
        self._call("delete", lambda: self.real.delete(collection, document_id))

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
        def found() -> Sequence[tuple[str, Document]]:
            return self.real.query(collection, where, order_by, limit, descending=descending, after=after)

        return self._call("query", found)

    def remembering(self) -> Documents:
        return self

    def transact(self, work: Callable[[Transaction], T]) -> T:
        def commit() -> T:
            written: list[Document] = []
            result = self.real.transact(lambda transaction: work(_Watched(transaction, written)))
            for document in written:
                self.saw(document)
            return result

        def roll_back() -> None:
            def abandoned(transaction: Transaction) -> None:
                work(transaction)
                raise _RolledBack

            with contextlib.suppress(_RolledBack):
                self.real.transact(abandoned)

        return self.process.call("documents.transact", commit, DocumentsUnavailable, roll_back)

    def _call(self, method: str, effect: Callable[[], T]) -> T:
        return self.process.call(f"documents.{method}", effect, DocumentsUnavailable)


@dataclass(frozen=True)
class _Watched:
    real: Transaction
    written: list[Document]

    def get(self, collection: str, document_id: str) -> Document | None:
        return self.real.get(collection, document_id)

    def read_ahead(self, *keys: Key) -> None:
        self.real.read_ahead(*keys)

    def get_many(self, collection: str, document_ids: Collection[str]) -> dict[str, Document]:
        return self.real.get_many(collection, document_ids)

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self.real.set(collection, document_id, document)
        if collection == BATCHES:
            self.written.append(document)

    def delete(self, collection: str, document_id: str) -> None:
        self.real.delete(collection, document_id)


@dataclass(frozen=True)
class FaultyDirectory:
    process: Process
    real: FakeDirectory

    def find(self, address: str) -> Account | None:
        return self.process.call("directory.find", lambda: self.real.find(address), DirectoryUnavailable)

    def page(self, token: str, org_unit: str = "") -> AccountPage:
        return self.process.call("directory.page", lambda: self.real.page(token, org_unit), DirectoryUnavailable)

    def set_temporary_password(self, account_id: str, password: str) -> None:
        self.process.call(
            "directory.set", lambda: self.real.set_temporary_password(account_id, password), _why_not_changed
        )


def _why_not_changed(reason: str) -> Exception:
    return ChangeRefused(reason) if reason == Fault.FORBIDDEN else DirectoryUnavailable(reason)


@dataclass(frozen=True)
class FaultyMailer:
    process: Process
    real: Mailer

    def send(self, mail: Mail) -> None:
        self.process.call("mailer.send", lambda: self.real.send(mail), MailUnavailable)


@dataclass(frozen=True)
class FaultySealer:
    process: Process
    real: FakeSealer

    def seal(self, secret: bytes, context: str) -> bytes:
        return self.process.call("sealer.seal", lambda: self.real.seal(secret, context), SealerUnavailable)

    def open(self, sealed: bytes, context: str) -> bytes:
        return self.process.call("opener.open", lambda: self.real.open(sealed, context), SealerUnavailable)


@dataclass(frozen=True)
class FaultyAudit:
    process: Process
    real: AuditLog

    def record(self, event: AuditEvent) -> None:
        self.process.call("audit.record", lambda: self.real.record(event), DocumentsUnavailable)


@dataclass(frozen=True)
class FaultyQueue:
    process: Process
    real: TaskQueue

    def enqueue(self, batch_id: str, task_number: int) -> None:
        self.process.call("queue.enqueue", lambda: self.real.enqueue(batch_id, task_number), QueueUnavailable)


@dataclass(frozen=True)
class FaultyRegistry:
    process: Process
    real: Registry

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        return self.process.call("registry.verify", lambda: self.real.verify_teacher(dui, nip), RegistryUnavailable)

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        return self.process.call("registry.schools", lambda: self.real.schools(teacher_id), RegistryUnavailable)

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        return self.process.call(
            "registry.roster", lambda: self.real.roster(teacher_id, section_id), RegistryUnavailable
        )
