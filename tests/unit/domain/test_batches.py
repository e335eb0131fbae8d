"""A batch goes forward through its states and never back."""

import itertools
from dataclasses import replace

import pytest

from secciones.domain.batches import Batch, BatchState, Row, is_batch_id
from secciones.domain.outcomes import Outcome
from tests.support.fakes import START

ORDER = list(BatchState)


def batch(state: BatchState = BatchState.ACCEPTED, *outcomes: Outcome) -> Batch:
    rows = tuple(Row(f"e-{n}", "s-1", "1", "Luis", "1@x", outcome) for n, outcome in enumerate(outcomes))
    return Batch("a" * 26, "actor", "d-1", "Ana", "ana@x", (), rows, 1, START, START, START, state)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(BatchState, BatchState)))
def test_no_step_leads_back_and_none_leaves_an_end(before: BatchState, after: BatchState) -> None:
    try:
        batch(before).moved_to(after)
    except ValueError:
        return
    assert ORDER.index(after) > ORDER.index(before)
    assert before not in {BatchState.CLOSED, BatchState.PARTIAL}


def test_when_time_is_up_what_was_begun_is_unconfirmed_and_the_rest_unfinished() -> None:
    stopped = batch(BatchState.RUNNING, *Outcome).stopped()
    assert not any(row.outcome.is_open for row in stopped.rows)
    assert len(stopped.rows_with(Outcome.UNCONFIRMED)) == 2
    assert not stopped.is_complete
    assert batch(BatchState.RUNNING, Outcome.CHANGED, Outcome.NOT_FOUND).stopped().is_complete


def test_rows_are_replaced_by_student_and_keep_their_order() -> None:
    before = batch(BatchState.RUNNING, Outcome.PENDING, Outcome.PENDING)
    after = before.with_rows({"e-1": replace(before.rows[1], outcome=Outcome.CHANGED)})
    assert [row.outcome for row in after.rows] == [Outcome.PENDING, Outcome.CHANGED]
    assert after.done == 1


@pytest.mark.parametrize("text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "1", "../" + "a" * 23, "a" * 26 + "\n"])
def test_what_is_no_batch_id_is_recognised(text: str) -> None:
    assert not is_batch_id(text)
    assert is_batch_id("abcdefghijklmnopqrstuvwx27")
