"""Contract suites run against scripted answers and, through these fixtures, against the stand-ins."""

from tests.support.standins import google, google_process, tasks, tasks_process

__all__ = ["google", "google_process", "tasks", "tasks_process"]
