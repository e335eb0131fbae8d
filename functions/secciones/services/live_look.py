"""The live look at the accounts of a section that a teacher opens, out of what the resets leave of the quota."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from secciones.domain.accounts import Account
from secciones.domain.batches import BatchState
from secciones.domain.standings import NOT_THERE, Standing, standing_of
from secciones.ports.accounts import AccountGlance
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.services.batches import BATCHES
from secciones.services.list_sections import StudentRow
from secciones.services.look_in_units import has_list
from secciones.services.mirror_accounts import keep_standings

_ASKED_AT_MOST_EVERY = timedelta(seconds=15)


class LiveLook:
    """Looks while fewer than `busy` batches run, which is asked once in a while for all pages of an instance.

    To look until a batch waits would be too long: workers would have been refused by then, and slow for minutes.
    """

    def __init__(
        self, documents: Documents, clock: Clock, glance: AccountGlance, students_org_unit: str, busy: int
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._glance = glance
        self._students_org_unit = students_org_unit
        self._busy = busy
        self._asked: tuple[datetime, bool] | None = None

    def __call__(self, rows: Sequence[StudentRow]) -> tuple[Sequence[StudentRow], bool]:
        """The rows with what is seen now, and whether that is so of all of them; news are kept in the mirror.

        Raises DocumentsUnavailable.
        """
        if self._are_workers_busy():
            return rows, False
        looked_for = {row.address: row.standing for row in rows if row.problem is None}
        seen = self._standings(self._glance.look(self._units(looked_for.values()), looked_for.keys()))
        if news := {address: now for address, now in seen.items() if now != _known(looked_for[address])}:
            keep_standings(self._documents, self._clock.now(), news)
        return [_with(row, seen) for row in rows], seen.keys() == looked_for.keys()

    def _units(self, standings: Iterable[Standing | None]) -> set[str]:
        units = {standing.org_unit for standing in standings if standing}
        return {unit for unit in units if has_list(unit, self._students_org_unit)}

    def _standings(self, accounts: Mapping[str, Account | None]) -> dict[str, Standing]:
        return {
            address: standing_of(account, address, self._students_org_unit) if account else NOT_THERE
            for address, account in accounts.items()
        }

    def _are_workers_busy(self) -> bool:
        now = self._clock.now()
        if self._asked is None or not timedelta(0) <= now - self._asked[0] < _ASKED_AT_MOST_EVERY:
            running = self._documents.query(BATCHES, {"state": BatchState.RUNNING.value}, "created_at", self._busy)
            self._asked = now, len(running) >= self._busy
        return self._asked[1]


def _with(row: StudentRow, seen: Mapping[str, Standing]) -> StudentRow:
    if row.problem is not None or row.address not in seen:
        return row
    reset = row.standing.reset if row.standing else None
    return replace(row, standing=replace(seen[row.address], reset=reset))


def _known(standing: Standing | None) -> Standing:
    """What the mirror says: of whom it has nothing, there is nothing to take back."""
    return replace(standing, reset=None) if standing else NOT_THERE
