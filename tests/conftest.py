"""What every test may ask for, and how many examples the generated ones try."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.browser", "tests.support.emulator", "tests.support.log_lines", "tests.support.stack"]

settings.register_profile("short", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the list of mutants at the end, where it is seen whichever process has judged them."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, lines in report.user_properties:
            if name == "mutants":
                terminalreporter.section(name)
                terminalreporter.write("\n".join([*lines, ""]))
