"""Batches as they are when their mail is due, and the mail of each."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pypdf import PdfReader

from secciones.domain.batches import Batch, BatchSection, BatchState, Row
from secciones.domain.outcomes import Outcome
from secciones.domain.passwords import derive_passwords
from secciones.mail.message import mail_renderer
from secciones.ports.mailer import Mail
from secciones.templates import template_environment

WEB = Path(__file__).parents[3] / "web"
SUBMITTED = datetime(2026, 2, 3, 20, 5, tzinfo=UTC)
DOMAIN = "clases.edu.sv"
NINTH_A = BatchSection("s-9a", "c-1", "10001", "Centro Escolar Colonia Los Izotes", "Noveno Grado", "A", "Matutino")
EIGHTH_B = replace(NINTH_A, id="s-8b", grade="Octavo Grado", name="B", shift="Vespertino")
WITHOUT_PASSWORD = [outcome for outcome in Outcome if not outcome.has_password and not outcome.is_open]

render = mail_renderer(
    template_environment(WEB / "templates", WEB / "mail"),
    "Ministerio de Educación",
    DOMAIN,
    "https://accounts.google.com",
)


def row(number: int, outcome: Outcome = Outcome.CHANGED, name: str = "", section: BatchSection = NINTH_A) -> Row:
    nie = f"{number:07}"
    account_id = f"account-{number}" if outcome.has_password else ""
    return Row(f"e-{number}", section.id, nie, name or f"Peña {number}, Luz", f"{nie}@{DOMAIN}", outcome, account_id)


def batch(*rows: Row, sections: Sequence[BatchSection] = (NINTH_A,)) -> Batch:
    return Batch(
        id="mesa2nube3gato4luna5sol6rio",
        actor="actor",
        teacher_id="d-1",
        teacher_name="Rosa Elena Portillo",
        teacher_address="rosa.portillo@clases.edu.sv",
        sections=tuple(sections),
        rows=rows,
        password_version=1,
        created_at=SUBMITTED,
        deadline=SUBMITTED + timedelta(hours=1),
        expires_at=SUBMITTED + timedelta(days=30),
        state=BatchState.UPDATED,
    )


def passwords_of(batch: Batch) -> dict[str, str]:
    return derive_passwords(bytes(32), [row.account_id for row in batch.rows if row.account_id])


def mail_of(batch: Batch) -> Mail:
    return render(batch, passwords_of(batch))


def attachment(mail: Mail, name: str) -> bytes:
    return next(file.content for file in mail.attachments if file.filename == name)


def table(mail: Mail, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(attachment(mail, name).decode("utf-8-sig"), newline="")))


def slips(mail: Mail, name: str = "tarjetas.pdf") -> PdfReader:
    return PdfReader(io.BytesIO(attachment(mail, name)))
