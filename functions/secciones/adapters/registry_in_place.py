"""One registry in place of another that does not answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from secciones import logs
from secciones.domain.errors import RegistryUnavailable
from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School
from secciones.ports.registry import Registry

T = TypeVar("T")

# For so long the first one is spared after it did not answer: a person waits for it once, not with every page.
REST = timedelta(seconds=30)


class RegistryInPlace:
    """Asks the second only when the first cannot be asked: what the first says counts, a refusal too."""

    def __init__(self, first: Registry, second: Registry, now: Callable[[], datetime]) -> None:
        self._first = first
        self._second = second
        self._now = now
        self._rests_until = datetime.min.replace(tzinfo=UTC)

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        return self._ask(lambda registry: registry.verify_teacher(dui, nip))

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        return self._ask(lambda registry: registry.schools(teacher_id))

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        return self._ask(lambda registry: registry.roster(teacher_id, section_id))

    def _ask(self, question: Callable[[Registry], T]) -> T:
        if self._now() >= self._rests_until:
            try:
                return question(self._first)
            except RegistryUnavailable as error:
                self._rests_until = self._now() + REST
                logs.write(
                    "WARNING",
                    "SIGES does not answer and the imported registry stands in: what changed since the import is not "
                    "seen; if it lasts, call those who run SIGES",
                    reason=str(error),
                )
        return question(self._second)
