"""Whatever goes wrong, alone, in pairs or all at once: nothing is lost, and nobody is changed who must not be."""

import os
from dataclasses import replace

import pytest

from secciones.domain.outcomes import Outcome
from tests.faults import explore
from tests.faults.checker import violations
from tests.faults.journey import run
from tests.faults.schedule import schedule_of

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def test_an_undisturbed_journey_ends_closed_with_one_mail_and_every_promise_kept() -> None:
    story = run(schedule_of("alone/calm")).story
    assert [batch.state.value for batch in story.batches] == ["closed"]
    assert len(story.mails) == 1
    assert not violations(story)


def test_of_two_teachers_over_one_student_whoever_comes_to_it_later_is_told_who_was_first() -> None:
    story = run(schedule_of("colleague/calm")).story
    larger, smaller = story.batches
    assert [row.outcome for row in smaller.rows] == [Outcome.CHANGED, Outcome.CHANGED]
    [told] = larger.rows_with(Outcome.RESET_BY_COLLEAGUE)
    assert told.reset_by == smaller.teacher_name
    assert not violations(story)


def test_a_mail_comes_again_three_times_and_not_the_fourth_and_never_after_a_day() -> None:
    story = run(schedule_of("resends/calm")).story
    assert [ask.number for ask in story.asked] == [1, 2, 3]
    assert len(story.mails) == 4
    assert not violations(story)
    assert not run(schedule_of("late/calm")).story.asked


def test_a_schedule_is_the_same_every_time() -> None:
    for name in ("storm-0", "storm-1", "storm-2", "colleague/18:slow+30:killed_after"):
        assert run(schedule_of(name)).calls == run(schedule_of(name)).calls


@pytest.mark.parametrize("plot", ["colleague", "resends"])
def test_every_single_fault_at_every_call_is_survived(plot: str) -> None:
    names = explore.singles(plot)
    assert len(names) > 250
    assert not (report := explore.first_broken(names)), report


def test_a_pause_in_the_middle_of_changes_takes_nothing_from_anyone() -> None:
    story = run(schedule_of("pause/calm")).story
    assert [batch.state.value for batch in story.batches] == ["closed", "closed"]
    assert len(story.mails) == 2
    last = max(story.batches, key=lambda batch: story.ended[batch.id])
    assert story.ended[last.id] > 8100, "it waited"
    assert [told for told in story.told if told.batch == last.id and told.at < 2], "and had begun before"
    assert not violations(story)
    names = explore.singles("pause")
    assert not (report := explore.first_broken(names if IS_LONG else names[::12])), report


def test_accounts_that_are_seen_in_a_list_of_their_unit_are_changed_as_safely() -> None:
    ending = run(schedule_of("mirrored/calm"))
    assert [call.port for call in ending.calls].count("directory.page") > 1
    assert not (report := explore.first_broken(explore.singles("mirrored"))), report


@pytest.mark.parametrize("plot", ["colleague", "resend"])
def test_every_pair_of_faults_is_survived(plot: str) -> None:
    """All pairs in the long form; the same sample of them each time in the short one."""
    report = explore.first_broken_pair(plot) if IS_LONG else explore.first_broken(explore.some_pairs(plot, 600))
    assert not report, report


def test_storms_of_faults_deliveries_clocks_and_outages_are_survived() -> None:
    names = explore.storms(20_000 if IS_LONG else 300)
    assert not (report := explore.first_broken(names)), report


@pytest.mark.parametrize("promise", range(10))
def test_a_story_that_breaks_a_promise_is_noticed(promise: int) -> None:
    """The checker alone: each of its sentences has a story that only that sentence is about."""
    story = run(schedule_of("colleague/calm")).story
    batch, other = story.batches
    late = {row.student_id: replace(row, reset_by="") for row in batch.rows_with(Outcome.RESET_BY_COLLEAGUE)}
    spoil = [
        lambda: setattr(story, "is_at_rest", False),
        lambda: setattr(story, "forms", 3),
        lambda: story.mails.clear(),
        lambda: story.told.insert(0, type(story.told[0])(0.0, "g-0", "otra-clave-222222", batch.id)),
        lambda: story.mails.append(replace(story.mails[0], content="x")),
        lambda: story.told.append(replace(story.told[0], at=1e6)),
        lambda: setattr(story, "left_behind", story.told[0].password),
        lambda: setattr(story, "students", story.students - {"g-0"}),
        lambda: story.audit.append((batch.id, "mail", "accepted")),
        lambda: setattr(story, "batches", [batch.with_rows(late), other]),
    ]
    # Students choose their own passwords later, which would speak for the teacher's.
    story.told = [told for told in story.told if not told.by_student]
    spoil[promise]()
    assert {found[:3] for found in violations(story)} == {f"I{promise}."}
