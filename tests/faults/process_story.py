"""The story of a running stack: from the stand-ins' histories, the mailboxes, and what lies in its folder."""

import csv
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.parts import SAMPLE
from secciones.adapters.audit import COLLECTION
from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.batches import Batch
from secciones.services.batches import BATCHES, from_document
from tests.faults.checker import Mailed, Story, Told
from tests.support.google_pages import Letter, changes, letters, mails, wait_for
from tests.support.stack import Stack

_MOST = 1000


def batches(stack: Stack) -> list[Batch]:
    """All batches, as they are stored now."""
    found = _store(stack, "documents").query(BATCHES, {}, "created_at", _MOST)
    return [from_document(document) for _, document in found]


def told(stack: Stack) -> list[Told]:
    """Every password that Google was told to set since its last start."""
    return [
        Told(_seconds(call["time"]), call["userKey"], call["changes"]["password"]) for call in changes(stack.google)
    ]


def story(stack: Stack, answered: set[str], forms: int, told_before: list[Told]) -> Story:
    """What happened so far, when no account is in two batches; `told_before` is what Google was told before it was
    killed and forgot."""
    stored = batches(stack)
    batch_of = {row.account_id: batch.id for batch in stored for row in batch.rows}
    events = [event for _, event in _store(stack, "audit").query(COLLECTION, {}, "at", _MOST)]
    return Story(
        told=[replace(each, batch=batch_of.get(each.account, "")) for each in [*told_before, *told(stack)]],
        mails=_mailed(stack),
        answered=answered,
        batches=stored,
        audit=[(event.get("batch", ""), event["kind"], event["outcome"]) for event in events],
        audited={event["batch"]: _outcomes(event) for event in events if event["kind"] == "accounts"},
        students={row.account_id for batch in stored for row in batch.rows if row.address in _students()},
        left_behind=_left_behind(stack),
        forms=forms,
        is_at_rest=not any(batch.is_running for batch in stored),
        is_over=False,
    )


def _store(stack: Stack, name: str) -> SqliteDocuments:
    return SqliteDocuments(_state(stack) / f"{name}.sqlite", lambda: datetime.now(UTC))


def _state(stack: Stack) -> Path:
    return stack.folder / "state"


def _mailed(stack: Stack) -> list[Mailed]:
    found = []
    for address in {to for mail in mails(stack.google) for to in mail["to"]}:
        for mail, letter in wait_for("each mail to be in its mailbox", partial(_mailbox, stack, address)):
            content = f"{letter.subject}{letter.text}{letter.html}{letter.attachments}"
            found.append(Mailed(_seconds(mail["time"]), mail["messageId"], address, content))
    return sorted(found, key=lambda mail: mail.at)


def _mailbox(stack: Stack, address: str) -> list[tuple[dict[str, Any], Letter]]:
    """Google's history beside what can be read; nothing while a mail comes between the two looks."""
    own = [mail for mail in mails(stack.google) if mail["to"] == [address]]
    read = letters(stack.google, address)[::-1]
    return list(zip(own, read, strict=True)) if len(own) == len(read) else []


def _outcomes(event: dict[str, Any]) -> dict[str, str]:
    return {entry["student"]: entry["outcome"] for entry in event["details"]["accounts"]}


def _students() -> set[str]:
    with (SAMPLE / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["primaryEmail"]
            for row in csv.DictReader(file)
            if row["orgUnitPath"].startswith("/Estudiantes/")
            and "true" not in (row["isAdmin"], row["isDelegatedAdmin"])
        }


def _left_behind(stack: Stack) -> str:
    """Every file but Google's own, in whose mailboxes the passwords are meant to be."""
    kept = [path for path in _state(stack).rglob("*") if path.is_file() and "google" not in path.parts]
    logs = (stack.folder / "logs").glob("*.log")
    return "".join(path.read_bytes().decode("latin-1") for path in [*kept, *logs]) + "".join(_pages(kept))


def _pages(files: list[Path]) -> list[str]:
    """What SQLite has in its journals too, read as rows."""
    dumped = []
    for path in files:
        if path.suffix == ".sqlite":
            with closing(sqlite3.connect(path)) as connection:
                dumped.append("".join(connection.iterdump()))
    return dumped


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
