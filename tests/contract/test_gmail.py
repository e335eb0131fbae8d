"""What Mailer promises, of the adapter for Gmail."""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.adapters.gmail import SCOPE, GmailMailer, mime_message
from secciones.domain.errors import MailRefused, MailUnavailable
from secciones.ports.mailer import Attachment, Mail
from tests.support.google_edge import TOKEN_PATH, NoWait, claims_of, delegated, error, give_tokens, status_error
from tests.support.scripted_http import Answer, HangUp, Reply, ScriptedServer, scripted_server

SEND = "/upload/gmail/v1/users/me/messages/send"
SENDER = Address("Ministerio de Educación", addr_spec="contraseñas@clases.edu.sv".replace("ñ", "n"))
MAIL = Mail(
    to="ana.perez.lopez@clases.edu.sv",
    subject="Contraseñas: Centro Escolar «Cantón El Ángel», Primer Grado, sección A (lote ABCD2345)",
    text="Estimada Ana:\n\nmaría · 20481234 · gato-nube-483726\n" + "línea muy larga " * 200 + "\n.\nFrom here\n",
    html="<!doctype html><p>Estimada Ana: <b>gato-nube-483726</b></p>" + "<p>ñandú</p>" * 300,
    attachments=(
        Attachment("cuentas.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfNombre,Cuenta\r\nMar\xc3\xada,2048\r\n"),
        Attachment("tarjetas.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256))),
        Attachment("no-encontradas.csv", "text/csv; charset=utf-8", b""),
    ),
    message_id="<abcd2345@clases.edu.sv>",
    date=datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC),
)

HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "auto-submitted",
    "mime-version",
    "content-type",
}
PART_HEADERS = {"content-type", "content-transfer-encoding", "content-disposition", "mime-version"}


@dataclass
class Edge:
    """Gmail at the HTTP edge, with the adapter in front of it."""

    server: ScriptedServer
    no_wait: NoWait
    mailer: GmailMailer

    @property
    def messages(self) -> list[bytes]:
        return [asked.body for asked in self.server.asked_for(SEND)]


@pytest.fixture
def edge() -> Iterator[Edge]:
    no_wait = NoWait()
    with scripted_server() as server:
        give_tokens(server)
        server.on(SEND, Answer(body={"id": "18c0ffee"}))
        mailer = GmailMailer(
            delegated(server, SCOPE),
            server.url,
            SENDER.addr_spec,
            SENDER.display_name,
            random=no_wait.random,
            sleep=no_wait.sleep,
        )
        yield Edge(server, no_wait, mailer)


def read(message: bytes) -> EmailMessage:
    return message_from_bytes(message, policy=SMTP)


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_sent_mail_says_all_that_it_was_given(edge: Edge) -> None:
    edge.mailer.send(MAIL)

    message = read(edge.messages[0])
    assert message["To"] == MAIL.to
    assert message["From"] == str(SENDER)
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == MAIL.date
    assert message["Message-ID"] == MAIL.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert text_of(message, "plain") == MAIL.text
    assert text_of(message, "html").rstrip("\n") == MAIL.html


def test_attachments_arrive_to_the_byte(edge: Edge) -> None:
    edge.mailer.send(MAIL)

    parts = list(read(edge.messages[0]).iter_attachments())
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in parts] == [
        (attachment.filename, attachment.content) for attachment in MAIL.attachments
    ]
    assert [part["Content-Type"].content_type for part in parts] == ["text/csv", "application/pdf", "text/csv"]
    assert parts[0]["Content-Type"].params["charset"] == "utf-8"


def test_the_message_itself_is_uploaded(edge: Edge) -> None:
    edge.mailer.send(MAIL)

    (asked,) = edge.server.asked_for(SEND)
    assert asked.query["uploadType"] == "media"
    assert asked.headers["content-type"] == "message/rfc822"
    assert asked.body == mime_message(MAIL, SENDER)


def test_a_mail_without_attachments_is_text_and_html(edge: Edge) -> None:
    edge.mailer.send(replace(MAIL, attachments=()))

    message = read(edge.messages[0])
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_it_goes_to_one_recipient_and_from_the_delegated_sender(edge: Edge) -> None:
    edge.mailer.send(MAIL)

    message = read(edge.messages[0])
    (grant,) = edge.server.asked_for(TOKEN_PATH)
    assert len(message["To"].addresses) == 1
    assert message["Cc"] is None
    assert message["Bcc"] is None
    assert claims_of(grant.form["assertion"])["scope"] == SCOPE


def test_a_repeated_send_sends_the_same_bytes(edge: Edge) -> None:
    edge.mailer.send(MAIL)
    edge.mailer.send(replace(MAIL))

    first, second = edge.messages
    assert first == second


@given(
    text=st.text(), html=st.text(), content=st.binary(), subject=st.text(st.characters(codec="utf-8")).map(str.split)
)
def test_the_same_mail_is_the_same_bytes_whatever_it_says(
    text: str, html: str, content: bytes, subject: list[str]
) -> None:
    attachment = Attachment("cuentas.csv", "text/csv; charset=utf-8", content)
    mail = replace(MAIL, text=text, html=html, attachments=(attachment,), subject=" ".join(subject))
    try:
        message = mime_message(mail, SENDER)
    except ValueError:
        return  # a text that is none, such as half a surrogate pair

    assert mime_message(replace(mail), SENDER) == message
    (part,) = read(message).iter_attachments()
    assert part.get_payload(decode=True) == content


def test_two_mails_never_share_their_boundaries() -> None:
    boundaries = [
        {part.get_boundary() for part in read(mime_message(mail, SENDER)).walk() if part.is_multipart()}
        for mail in (MAIL, replace(MAIL, message_id="<efgh6723@clases.edu.sv>"))
    ]

    assert all(len(of_one_mail) == 2 for of_one_mail in boundaries)
    assert boundaries[0].isdisjoint(boundaries[1])


def test_every_line_fits_what_mail_may_carry() -> None:
    message = mime_message(MAIL, SENDER)

    assert message.isascii()
    assert max(len(line) for line in message.split(b"\r\n")) <= 998
    assert b"\n" not in message.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(replace(MAIL, subject="Hola\r\nBcc: otro@example.org"), id="subject"),
        pytest.param(replace(MAIL, subject="Hola\nBcc: otro@example.org"), id="subject with a bare line feed"),
        pytest.param(replace(MAIL, to="ana@clases.edu.sv\r\nBcc: otro@example.org"), id="recipient"),
        pytest.param(replace(MAIL, to="ana@clases.edu.sv, otro@example.org"), id="two recipients"),
        pytest.param(replace(MAIL, to=""), id="no recipient"),
        pytest.param(replace(MAIL, message_id="<x@y>\r\nBcc: otro@example.org"), id="message id"),
        pytest.param(
            replace(MAIL, message_id="<x@y>\r"), id="message id with a carriage return, which the library takes"
        ),
        pytest.param(
            replace(MAIL, attachments=(Attachment('a"\r\nBcc: otro@example.org\r\n.csv', "text/csv", b""),)),
            id="file name",
        ),
        pytest.param(
            replace(MAIL, attachments=(Attachment("a.csv", "text/csv\r\nBcc: otro@example.org", b""),)),
            id="content type",
        ),
    ],
)
def test_a_header_that_would_become_two_is_refused_and_not_sent(edge: Edge, mail: Mail) -> None:
    with pytest.raises(MailRefused, match="invalidMessage"):
        edge.mailer.send(mail)

    assert edge.messages == []


@given(
    to=st.one_of(st.just(MAIL.to), st.text(st.sampled_from('ab@.,;:<>()[]"\\ \r\n\t\0ñ\u202e'), max_size=20)),
    subject=st.text(max_size=200),
    message_id=st.one_of(st.just(MAIL.message_id), st.text(st.sampled_from('ab@.<>()[]" \r\n\t\0ñ'), max_size=20)),
    filename=st.text(st.sampled_from("ab.\"\\;=' \r\n\t\0ñ\u202e"), max_size=20),
)
def test_whatever_the_fields_say_there_is_one_recipient_and_no_header_of_theirs(
    to: str, subject: str, message_id: str, filename: str
) -> None:
    attachment = Attachment(filename, "text/csv", b"x")
    mail = replace(MAIL, to=to, subject=subject, message_id=message_id, attachments=(attachment,))
    try:
        message = read(mime_message(mail, SENDER))
    except ValueError:
        return

    assert [address.addr_spec for address in message["To"].addresses] == [Address(addr_spec=to).addr_spec]
    assert {name.lower() for name in message} == HEADERS
    assert {name.lower() for part in message.iter_parts() for name in part} <= PART_HEADERS


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(error(429, "rateLimitExceeded"), "rateLimitExceeded", id="sender over its limit of the day"),
        pytest.param(error(403, "userRateLimitExceeded"), "userRateLimitExceeded", id="too many at once"),
        pytest.param(error(403, "quotaExceeded"), "quotaExceeded", id="quota"),
        pytest.param(error(503, "backendError"), "backendError", id="backend error"),
        pytest.param(Answer(502, b"<html>", "text/html"), "http502", id="502 without JSON"),
        pytest.param(HangUp(), "unreachable", id="connection closed"),
    ],
)
def test_a_send_that_fails_for_a_passing_reason_is_tried_three_times(edge: Edge, reply: Reply, reason: str) -> None:
    edge.server.on(SEND, reply)

    with pytest.raises(MailUnavailable) as raised:
        edge.mailer.send(MAIL)

    assert raised.value.reason == reason
    assert len(edge.no_wait.waits) == 2


def test_the_third_try_may_succeed_and_sends_the_same_message(edge: Edge) -> None:
    edge.server.on(SEND, HangUp(), error(429, "rateLimitExceeded"), Answer(body={"id": "18c0ffee"}))

    edge.mailer.send(MAIL)

    assert len(set(edge.messages)) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(error(400, "invalidArgument", "Invalid To header"), "invalidArgument", id="invalid argument"),
        pytest.param(status_error(400, "INVALID_ARGUMENT"), "INVALID_ARGUMENT", id="invalid argument, newer form"),
        pytest.param(error(400, "badRequest"), "badRequest", id="bad request"),
        pytest.param(error(413, "uploadTooLarge"), "uploadTooLarge", id="too large"),
    ],
)
def test_a_message_that_gmail_will_never_take_is_refused_at_once(edge: Edge, reply: Reply, reason: str) -> None:
    edge.server.on(SEND, reply)

    with pytest.raises(MailRefused) as raised:
        edge.mailer.send(MAIL)

    assert raised.value.reason == reason
    assert len(edge.messages) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(error(401, "authError"), "authError", id="token not accepted"),
        pytest.param(error(403, "insufficientPermissions"), "insufficientPermissions", id="scope not granted"),
        pytest.param(error(400, "failedPrecondition"), "failedPrecondition", id="sender without mail service"),
        pytest.param(error(403, "dailyLimitExceeded"), "dailyLimitExceeded", id="project over its limit of the day"),
    ],
)
def test_what_an_operator_can_mend_does_not_lose_the_mail(edge: Edge, reply: Reply, reason: str) -> None:
    edge.server.on(SEND, reply)

    with pytest.raises(MailUnavailable) as raised:
        edge.mailer.send(MAIL)

    assert raised.value.reason == reason
    assert edge.no_wait.waits == []


def test_an_error_shows_nothing_of_the_mail(edge: Edge) -> None:
    edge.server.on(SEND, error(400, "invalidArgument", f"Invalid To header: {MAIL.to}"))

    with pytest.raises(MailRefused) as raised:
        edge.mailer.send(MAIL)

    told = "".join(traceback.format_exception(raised.value))
    assert MAIL.to not in told
    assert "gato-nube" not in told
