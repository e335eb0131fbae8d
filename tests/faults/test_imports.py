"""An import may die, fail or stand still at any call: readers see old or new, and nothing is lost or told twice."""

from types import ModuleType

import pytest

from secciones.services import apply_roster, import_roster
from tests.faults import imports
from tests.faults.imports import played
from tests.faults.schedule import ANYWHERE, Fault, faults_of


@pytest.fixture(scope="module")
def calls() -> list[tuple[int, str]]:
    """Those of the first two exports, as they are when nothing fails; the second builds on the first."""
    calm = played()
    assert not calm.broken
    second = imports.EXPORTS[1][0]
    return [(call.number, call.port) for call in calm.calls if call.at < 5 or second < call.at < second + 300]


@pytest.mark.parametrize("fault", [*ANYWHERE, Fault.AGAIN])
def test_whatever_becomes_of_a_call_every_promise_is_kept(fault: Fault, calls: list[tuple[int, str]]) -> None:
    hit = [number for number, port in calls if fault in faults_of(port)]
    assert len(hit) > 10
    assert not [number for number in hit if played(number, fault).broken]


MUTANTS = {
    "write without a lease": (
        apply_roster,
        'if lease is None or lease["fence"] != self.fence:\n                raise LeaseLost',
        "pass",
        "lost",
    ),
    "one reference for all": (
        import_roster,
        'name = f"{_REFERENCES}{lease.fence:012}.sqlite"',
        'name = f"{_REFERENCES}roster.sqlite"',
        "lost",
    ),
    "schools before their lists": (
        apply_roster,
        "    for portion in _portions(lists, _LISTS_AT_ONCE):\n        _set(lease, SECTIONS, dict(portion))\n"
        "    _set(lease, SCHOOLS, {key_of(v.school.id): school_document(v.school, v.expires_at) for v in versions})\n",
        "    _set(lease, SCHOOLS, {key_of(v.school.id): school_document(v.school, v.expires_at) for v in versions})\n"
        "    for portion in _portions(lists, _LISTS_AT_ONCE):\n        _set(lease, SECTIONS, dict(portion))\n",
        "mixed",
    ),
    "the export is removed before it is imported": (
        import_roster,
        "    with tempfile.TemporaryDirectory() as scratch,",
        "    importer.bucket.delete(export)\n    with tempfile.TemporaryDirectory() as scratch,",
        "lost",
    ),
    "the audit is told without a key": (
        import_roster,
        'AuditEvent("roster_import", outcome, key=key,',
        'AuditEvent("roster_import", outcome,',
        "report",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_away_is_missed(
    name: str, calls: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, old, new, promise = MUTANTS[name]
    mutant = _edited(module, old, new)
    for part in ("ImportLease", "apply_changes", "import_next"):
        if part in vars(mutant):
            monkeypatch.setattr(import_roster, part, vars(mutant)[part])

    faults = (None, Fault.SLOW, Fault.TIMES_OUT_AFTER, Fault.KILLED_AFTER)
    assert any(promise in played(number, fault).broken for fault in faults for number, _ in calls)


def _edited(module: ModuleType, old: str, new: str) -> ModuleType:
    assert module.__file__
    with open(module.__file__, encoding="utf-8") as file:
        source = file.read()
    assert source.count(old) == 1, "renew the mutant"
    mutant = ModuleType(module.__name__)
    exec(compile(source.replace(old, new), module.__file__, "exec"), vars(mutant))
    return mutant
