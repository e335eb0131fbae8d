"""The stand-ins as processes of their own, each started once for all suites that ask for it."""

from collections.abc import Iterator

import pytest

from tests.support import cloud_tasks, google_stand_in


@pytest.fixture(scope="session")
def google_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[google_stand_in.StandIn]:
    """The Google stand-in over the sample of `google_stand_in`, for `google` to hand out."""
    with google_stand_in.running_stand_in(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture
def google(google_process: google_stand_in.StandIn) -> google_stand_in.StandIn:
    """The Google stand-in without faults, with the usual quota and nothing told; accounts are as the last test left
    them."""
    google_process.clear()
    return google_process


@pytest.fixture(scope="session")
def tasks_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cloud_tasks.Cloud]:
    """The Cloud Tasks stand-in, for `tasks` to hand out."""
    with cloud_tasks.started(tmp_path_factory.mktemp("tasks")) as running:
        yield running


@pytest.fixture
def tasks(tasks_process: cloud_tasks.Cloud) -> cloud_tasks.Cloud:
    """The Cloud Tasks stand-in with an empty queue."""
    return cloud_tasks.made_new(tasks_process)
