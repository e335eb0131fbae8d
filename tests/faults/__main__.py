"""Replays schedules by their names, or runs the small suite: `make fault SEED=storm-17`.

python -m tests.faults storm-17 12:slow+30:killed_after
python -m tests.faults --small
"""

import sys

from tests.faults.explore import broken, calls_of, small_suite


def main() -> int:
    names = sys.argv[1:]
    if names == ["--small"]:
        report = small_suite()
        print(report.splitlines()[0] if report else "nothing found")
        return bool(report)
    for name in names:
        report = broken(name)
        print(report or "\n".join([*map(str, calls_of(name)), f"{name}: every promise is kept"]))
        if report:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
