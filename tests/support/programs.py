"""Programs that a shell script finds in place of the real ones: they write down what they were asked, and answer."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

# An answer is [pattern, text, exit code], and belongs to the first pattern of which all parts (between " & ") are in
# the call. What `gcloud iam service-accounts sign-jwt` writes is what it has read: a signature says nothing here.
_PROGRAM = """import json, pathlib, re, sys
folder = pathlib.Path(__file__).parent
name, arguments = pathlib.Path(__file__).name, sys.argv[1:]
read = [pathlib.Path(word[1:]).read_text() for word in arguments if re.fullmatch("@/dev/fd/[0-9]+", word)]
read += [pathlib.Path(word.partition("@")[2]).read_text() for word in arguments if re.match("assertion@/", word)]
if "sign-jwt" in arguments:
    place = arguments.index("sign-jwt")
    pathlib.Path(arguments[place + 2]).write_text(pathlib.Path(arguments[place + 1]).read_text())
takes_input = "@-" in arguments or any(word.endswith("=-") for word in arguments)
call = {"program": name, "arguments": arguments, "headers": read, "input": sys.stdin.read() if takes_input else ""}
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
line = " ".join([name, *arguments, *read, call["input"]])
for pattern, text, code in json.loads((folder / "answers.json").read_text()):
    if all(part in line for part in pattern.split(" & ")):
        sys.stdout.write(text)
        sys.exit(code)
sys.exit(f"nobody has said what this answers: {line}")
"""


@dataclass
class Programs:
    """The programs of these names in a folder, and what they answer."""

    folder: Path
    names: tuple[str, ...]
    answers: list[tuple[str, str, int]] = field(default_factory=list)

    def answer(self, pattern: str, text: str = "", code: int = 0) -> None:
        """What a call is answered that has all parts of the pattern; a later answer goes before an earlier one."""
        self.answers.insert(0, (pattern, text, code))

    def run(self, script: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a shell script that finds these programs first."""
        self.folder.mkdir(exist_ok=True)
        for name in self.names:
            program = self.folder / name
            program.write_text(f"#!{sys.executable} -IS\n{_PROGRAM}")
            program.chmod(0o755)
        (self.folder / "answers.json").write_text(json.dumps(self.answers))
        return subprocess.run(
            ["bash", str(script), *arguments],
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder), "LANG": "C.UTF-8"},
        )

    def calls(self, program: str = "") -> list[dict[str, object]]:
        """What was asked, in order."""
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if program in {"", call["program"]}]
