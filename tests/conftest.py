"""What every test may ask for, and how many examples the generated ones try."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.browser", "tests.support.emulator", "tests.support.log_lines", "tests.support.stack"]

settings.register_profile("short", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
