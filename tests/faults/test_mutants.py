"""The fault suite is worth something: it notices every guard that is taken out of the service."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.mutants import MUTANTS, judged, unchanged


def test_every_mutant_of_the_service_breaks_its_promise_where_the_service_keeps_it(
    record_property: Callable[[str, object], None],
) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(judged, MUTANTS))
    service = judged(unchanged([verdict.schedule for verdict in verdicts if verdict.found]))
    record_property("mutants", [str(verdict) for verdict in (*verdicts, service)])
    assert not [verdict.mutant.name for verdict in verdicts if not verdict.found]
    assert not service.found
