"""The rows of a batch as a mail tells of them: those with a password by section, the others by what became of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from secciones.domain.batches import Batch, BatchSection, Row
from secciones.domain.outcomes import Outcome
from secciones.domain.people import collated


@dataclass(frozen=True)
class Entry:
    """A student with their section; the password is empty for an account that was not changed."""

    row: Row
    section: BatchSection
    password: str = field(repr=False)


def entries_of(batch: Batch, passwords: dict[str, str]) -> tuple[list[Entry], list[Entry]]:
    """Those with a password and those without, each section by section in the batch's order.

    Raises KeyError when a password is missing: a mail without it would tell a teacher less than was done.
    """
    place = {section.id: number for number, section in enumerate(batch.sections)}
    rows = sorted(batch.rows, key=lambda row: place[row.section_id])
    entries = [
        Entry(row, batch.sections[place[row.section_id]], passwords[row.account_id] if row.outcome.has_password else "")
        for row in rows
    ]
    return [entry for entry in entries if entry.password], [entry for entry in entries if not entry.password]


def surname_key(entry: Entry) -> tuple[str, ...]:
    """For putting students of all sections in one order: by surnames, given names and account."""
    surnames, _, given_names = entry.row.name.partition(", ")
    return collated(surnames), collated(given_names), entry.row.address


def by_section(entries: Iterable[Entry]) -> list[tuple[BatchSection, Sequence[Entry]]]:
    """Groups of neighbours of one section."""
    return [(section, list(group)) for section, group in groupby(entries, key=lambda entry: entry.section)]


def by_outcome(entries: Sequence[Entry]) -> list[tuple[Outcome, Sequence[Entry]]]:
    """Groups of one outcome: the accounts that were not found first, then in the order of the outcomes."""
    order = [Outcome.NOT_FOUND, *(outcome for outcome in Outcome if outcome is not Outcome.NOT_FOUND)]
    groups = [(outcome, [entry for entry in entries if entry.row.outcome is outcome]) for outcome in order]
    return [(outcome, group) for outcome, group in groups if group]
