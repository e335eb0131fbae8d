"""The stand-in's data: a bundle as exported, and the changes that a test or a curious person made to it since."""

import json
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from infra.local.siges.bundle import Bundle, Row

_FILE = "siges.json"
_STATES = {"open": "abierta", "closed": "cerrada"}


@dataclass
class Changes:
    """Section id → `open` or `closed`; teacher id → section id → whether it is assigned now."""

    sections: dict[str, str] = field(default_factory=dict)
    assignments: dict[str, dict[str, bool]] = field(default_factory=dict)


class StoredRegistry:
    """A bundle with changes applied. With a folder for its state, changes survive the end of the process."""

    def __init__(self, exported: Bundle, state: Path | None) -> None:
        self._exported = exported
        self._file = state and state / _FILE
        self._lock = threading.Lock()
        self._use(_load(self._file))

    @property
    def bundle(self) -> Bundle:
        """The registry as it stands; never changed in place."""
        return self._bundle

    @property
    def changes(self) -> Changes:
        return self._changes

    def set_section_state(self, section_id: str, state: str) -> None:
        """Close or open a section; raises KeyError for an unknown section or state."""
        if state not in _STATES or all(row["sourcedId"] != section_id for row in self._exported.classes):
            raise KeyError(section_id)
        with self._lock:
            self._keep(replace(self._changes, sections=self._changes.sections | {section_id: state}))

    def assign(self, teacher_id: str, section_id: str, assigned: bool) -> None:
        """Give a section to a teacher or take it away; raises KeyError when either is unknown."""
        is_section = any(row["sourcedId"] == section_id for row in self._exported.classes)
        if self._exported.teacher(teacher_id) is None or not is_section:
            raise KeyError(section_id)
        with self._lock:
            theirs = self._changes.assignments.get(teacher_id, {}) | {section_id: assigned}
            self._keep(replace(self._changes, assignments=self._changes.assignments | {teacher_id: theirs}))

    def forget_changes(self) -> None:
        """Back to the registry as exported."""
        with self._lock:
            self._keep(Changes())

    def _keep(self, changes: Changes) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written = self._file.with_suffix(".new")
            written.write_text(json.dumps(asdict(changes)), encoding="utf-8")
            written.replace(self._file)
        self._use(changes)

    def _use(self, changes: Changes) -> None:
        self._changes = changes
        self._bundle = _with_changes(self._exported, changes)


def _load(file: Path | None) -> Changes:
    if file is None or not file.exists():
        return Changes()
    return Changes(**json.loads(file.read_text(encoding="utf-8")))


def _with_changes(bundle: Bundle, changes: Changes) -> Bundle:
    classes = tuple(_with_state(row, changes.sections.get(row["sourcedId"])) for row in bundle.classes)
    untouched = tuple(row for row in bundle.enrollments if not _is_changed(row, changes))
    added = tuple(
        {"classSourcedId": section_id, "userSourcedId": teacher_id, "role": "teacher"}
        for teacher_id, sections in changes.assignments.items()
        for section_id, assigned in sections.items()
        if assigned
    )
    return replace(bundle, classes=classes, enrollments=untouched + added)


def _with_state(section: Row, state: str | None) -> Row:
    return section if state is None else {**section, "metadata.sv.estado": _STATES[state]}


def _is_changed(row: Row, changes: Changes) -> bool:
    return row["role"] == "teacher" and row["classSourcedId"] in changes.assignments.get(row["userSourcedId"], {})
