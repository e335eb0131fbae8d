"""All workers together stay inside the quota, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.quota import MIRROR_SHARE, SIGN_IN_SHARE, WORKERS_SHARE, busy, worker_pace, workers


def test_googles_own_quota_makes_four_workers() -> None:
    assert workers(2400) == 4


@given(st.integers(min_value=1, max_value=100_000))
def test_workers_sign_ins_and_mirror_together_stay_inside_the_quota(quota: int) -> None:
    concurrency = workers(quota)

    assert concurrency >= 1
    others = quota * (SIGN_IN_SHARE + MIRROR_SHARE)
    assert concurrency * worker_pace(quota, concurrency) + others <= quota * (1 + 1e-9)


@given(st.integers(min_value=600, max_value=100_000))
def test_a_larger_quota_makes_more_workers_and_none_is_slower_than_a_section_in_nine_seconds(quota: int) -> None:
    assert worker_pace(quota, workers(quota)) >= 539
    assert workers(quota) <= workers(quota + 600)
    assert WORKERS_SHARE < 1


@pytest.mark.parametrize(("quota", "at_work"), [(2400, 2), (1200, 1), (100, 1)])
def test_looks_end_with_half_of_the_workers_at_work_and_never_before_the_first(quota: int, at_work: int) -> None:
    assert busy(quota) == at_work
