"""What the installed gcloud knows: every command and flag that we write must be one of its own."""

import os
import re
import runpy
import shlex
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# A command ends with its line, at a pipe or a bracket, unless they are quoted.
_GCLOUD = re.compile(r"""gcloud ((?:"[^"]*"|'[^']*'|\\\n|[^\n\\|)"';])+)""")


def gcloud_commands(script: str) -> list[str]:
    """What a shell script asks of gcloud."""
    return _GCLOUD.findall(script)


def unknown_words(command: str) -> list[str]:
    """What of a gcloud command the installed gcloud does not know."""
    words = shlex.split(command.replace("\\\n", " "))
    node, flags = _command_tree(), dict(_command_tree()["flags"])
    while words and words[0] in node["commands"]:
        node = node["commands"][words.pop(0)]
        flags |= node["flags"]
    named = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [command] if node["commands"] else [flag for flag in named if flag not in flags]


@cache
def _command_tree() -> Mapping[str, Any]:
    """What the installed gcloud completes on the command line: all of its commands and their flags."""
    program = shutil.which("gcloud")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("gcloud is needed in CI")
        pytest.skip("gcloud is not here")
    completions = Path(program).resolve().parents[1] / "data/cli/gcloud_completions.py"
    tree: Mapping[str, Any] = runpy.run_path(str(completions))["STATIC_COMPLETION_CLI_TREE"]
    return tree
