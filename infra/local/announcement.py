"""What a newcomer is told when the stack is ready, on the terminal and as JSON."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from infra.local.configuration import Configuration

Person = dict[str, str]
COLUMNS = {"address": "address", "password": "password", "dui": "DUI", "nip": "NIP", "note": ""}


def read_people(sample: Path) -> list[Person]:
    """The sample people worth knowing, teachers first."""
    with (sample / "people.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def description(configuration: Configuration, people: Sequence[Person]) -> dict[str, object]:
    """The content of stack.json."""
    return {
        "url": f"{configuration.public_url}/secciones/",
        "google": configuration.google,
        "siges": configuration.siges,
        "tasks": configuration.tasks,
        "people": list(people),
    }


def write_description(file: Path, content: dict[str, object]) -> None:
    """Write stack.json whole or not at all: others wait for it to appear."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draft.replace(file)


def announcement(configuration: Configuration, people: Sequence[Person]) -> str:
    """The lines for the terminal."""
    content = description(configuration, people)
    mailboxes = f"   mailboxes: {configuration.google_stand_in}/mail/"
    return "\n".join(
        [
            f"ready: {content['url']}",
            "",
            *_table(people),
            "",
            f"  google  {content['google']}" + (mailboxes if configuration.starts_google else ""),
            f"  siges   {content['siges']}",
            f"  tasks   {content['tasks']}",
            "",
            f"  logs    {configuration.folder.logs}",
            "  Ctrl-C stops all of it",
        ]
    )


def _table(people: Sequence[Person]) -> list[str]:
    rows = [list(COLUMNS.values())] + [[person[key] for key in COLUMNS] for person in people]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
