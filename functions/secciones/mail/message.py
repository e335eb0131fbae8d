"""Puts the mail of a batch together: texts, spreadsheets and slips, all from the same entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from secciones.domain.batches import Batch
from secciones.domain.outcomes import Outcome
from secciones.mail.entries import Entry, by_outcome, by_section, entries_of
from secciones.mail.slips import slip_files
from secciones.mail.tables import csv_file
from secciones.ports.mailer import Attachment, Mail, MailRenderer

_CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class _Words:
    """What web/mail/words.txt and the outcomes shared with the pages say."""

    mail: Any
    outcomes: Any

    def reason(self, entry: Entry) -> str:
        reason = str(self.outcomes.outcome_reason(entry.row.outcome))
        return f"{reason} ({self.mail.reset_note(entry.row)})" if entry.row.reset_at and not entry.password else reason

    def advice(self, entry: Entry) -> str:
        return str(self.outcomes.outcome_advice(entry.row.outcome))


def mail_renderer(
    templates: jinja2.Environment,
    institution: str,
    sender_domain: str,
    sign_in_url: str,
    contact: str = "",
) -> MailRenderer:
    """The port, over an environment that finds web/templates and web/mail.

    `sender_domain` is the institution's domain, in the texts and in the Message-ID; `sign_in_url` is where students
    sign in, `contact` how teachers reach the support, if that is known.
    """
    words = _Words(
        templates.get_template("words.txt").make_module({"sign_in": sign_in_url.removeprefix("https://")}),
        templates.get_template("components/outcomes.html").module,
    )

    def render(batch: Batch, passwords: dict[str, str]) -> Mail:
        accounts, unchanged = entries_of(batch, passwords)
        attachments = _attachments(accounts, unchanged, words, sign_in_url)
        place = words.mail.place(batch.sections)
        subject = " ".join(words.mail.subject(place, batch.code, bool(accounts)).split())
        context = {
            "accounts": accounts,
            "batch": batch,
            "contact": contact,
            "by_outcome": by_outcome(unchanged),
            "by_section": by_section(accounts),
            "domain": sender_domain,
            "files": [attachment.filename for attachment in attachments],
            "institution": institution,
            "place": place,
            "overridden_note": words.mail.overridden_note,
            "reset_note": words.mail.reset_note,
            "subject": subject,
            "titles": {section.id: words.mail.section_title(section) for section in batch.sections},
            "unchanged": unchanged,
        }
        return Mail(
            to=batch.teacher_address,
            subject=subject,
            text=templates.get_template("mail.txt").render(context),
            html=templates.get_template("mail.html").render(context),
            attachments=tuple(attachments),
            message_id=f"<{batch.id}@{sender_domain}>",
            date=batch.created_at,
        )

    return render


def _attachments(
    accounts: Sequence[Entry], unchanged: Sequence[Entry], words: _Words, sign_in_url: str
) -> list[Attachment]:
    files = []
    if accounts:
        files.append(Attachment("cuentas.csv", _CSV, _accounts_csv(accounts, words)))
        slips = slip_files(accounts, words.mail, sign_in_url)
        files += [Attachment(name, "application/pdf", content) for name, content in slips.items()]
    if unchanged:
        files.append(Attachment("no-encontradas.csv", _CSV, _unchanged_csv(unchanged, words)))
    return files


def _accounts_csv(entries: Sequence[Entry], words: _Words) -> bytes:
    rows = [[*_student(entry), entry.password, *_place(entry), _remark(entry, words)] for entry in entries]
    return csv_file(words.mail.account_columns, rows)


def _unchanged_csv(entries: Sequence[Entry], words: _Words) -> bytes:
    rows = [[*_student(entry), *_place(entry), words.reason(entry), words.advice(entry)] for entry in entries]
    return csv_file(words.mail.unchanged_columns, rows)


def _student(entry: Entry) -> list[str]:
    return [entry.row.name, entry.row.nie, entry.row.address]


def _place(entry: Entry) -> list[str]:
    return [entry.section.school_name, entry.section.grade, entry.section.name, entry.section.shift]


def _remark(entry: Entry, words: _Words) -> str:
    unconfirmed = f"{words.reason(entry)}. {words.advice(entry)}" if entry.row.outcome is Outcome.UNCONFIRMED else ""
    overridden = str(words.mail.overridden_note(entry.row)) if entry.row.reset_at else ""
    return " ".join(filter(None, (unconfirmed, overridden)))
