"""Replays schedules by their names: `make fault SEED=storm-17`.

python -m tests.faults storm-17 alone/12:slow+30:killed_after
python -m tests.faults --until I3 alone/directory.set:killed_after storms:60
"""

import sys

from tests.faults.explore import broken, calls_of, expanded, first_that_breaks


def main() -> int:
    names = sys.argv[1:]
    if names[:1] == ["--until"]:
        schedule, found = first_that_breaks(names[1], names[2:])
        print(schedule, *found)
        return 0
    for name in expanded(names):
        report = broken(name)
        print(report or "\n".join([*map(str, calls_of(name)), f"{name}: every promise is kept"]))
        if report:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
