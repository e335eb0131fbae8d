"""The fault suite is worth something: it notices every guard that is taken out of the service."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.mutants import MUTANTS, judged, unchanged


def test_every_mutant_of_the_service_breaks_its_promise_where_the_service_keeps_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(judged, MUTANTS))
    service = judged(unchanged([verdict.schedule for verdict in verdicts if verdict.found]))
    with capsys.disabled():
        print("", *verdicts, service, sep="\n  ")
    assert not [verdict.mutant.name for verdict in verdicts if not verdict.found]
    assert not service.found
