"""The stand-in's Gmail by the real client, and its mailbox pages as a teacher would read them."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from tests.support.google_stand_in import (
    DOMAIN,
    OTHER_TEACHER,
    READ_MAIL,
    SEND_MAIL,
    STUDENT,
    TEACHER,
    StandIn,
    client,
    credentials,
    rooted,
    running_stand_in,
)
from tests.support.html import problems_of

SENDER = f"1000005@{DOMAIN}"
MESSAGE_ID = "<lote-1.prueba@clases.edu.sv>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running_stand_in(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture
def google(server: StandIn) -> StandIn:
    server.clear()
    return server


def messages(google: StandIn, person: str, *scopes: str) -> Any:
    return client(google, "gmail", "v1", credentials(google, person, *scopes))


@pytest.fixture
def outbox(google: StandIn) -> Iterator[Any]:
    with messages(google, SENDER, SEND_MAIL) as service:
        yield service.users().messages()


@pytest.fixture
def inbox(google: StandIn) -> Iterator[Any]:
    with messages(google, TEACHER, READ_MAIL) as service:
        yield service.users().messages()


def mail(subject: str = "Cuentas de Séptimo Grado A", **headers: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    usual = {"From": f"Secciones <{SENDER}>", "To": TEACHER, "Subject": subject, "Message-ID": MESSAGE_ID}
    for name, value in (usual | headers).items():
        message[name] = value
    message.set_content("La contraseña es gato-nube-483726.")
    message.add_alternative("<h1>Cuentas</h1><script>alert(1)</script><img src='cid:logo'>", subtype="html")
    message.add_attachment("\ufeffnombre;cuenta\r\n".encode(), maintype="text", subtype="csv", filename="cuentas ñ.csv")
    message.add_attachment(
        b"\x89PNG", maintype="image", subtype="png", filename="logo.png", cid="<logo>", disposition="inline"
    )
    return message


def raw(message: EmailMessage) -> dict[str, str]:
    return {"raw": base64.urlsafe_b64encode(message.as_bytes()).decode()}


def send(outbox: Any, message: EmailMessage) -> dict[str, Any]:
    sent: dict[str, Any] = outbox.send(userId="me", body=raw(message)).execute()
    return sent


def refusal(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as raised:
        request.execute()
    return raised.value.status_code, json.loads(raised.value.content)["error"]["errors"][0]["reason"]


def test_a_sent_message_arrives_as_it_was_sent(outbox: Any, inbox: Any) -> None:
    message = mail()
    sent = send(outbox, message)

    newest = inbox.list(userId="me").execute()["messages"][0]
    found = inbox.get(userId="me", id=newest["id"], format="raw").execute()

    assert sent["labelIds"] == ["SENT"]
    assert set(found["labelIds"]) == {"INBOX", "UNREAD"}
    assert base64.urlsafe_b64decode(found["raw"]) == message.as_bytes()


def test_a_message_id_is_kept_and_found(outbox: Any, inbox: Any) -> None:
    send(outbox, mail(**{"Message-ID": "<unico@clases.edu.sv>"}))
    send(outbox, mail())

    found = inbox.list(userId="me", q="rfc822msgid:unico@clases.edu.sv").execute()["messages"]

    assert len(found) == 1
    got = inbox.get(userId=TEACHER, id=found[0]["id"], format="metadata", metadataHeaders=["Message-ID"]).execute()
    assert got["payload"]["headers"] == [{"name": "Message-ID", "value": "<unico@clases.edu.sv>"}]


def test_the_full_form_has_the_parts_and_the_attachments_apart(outbox: Any, inbox: Any) -> None:
    send(outbox, mail())
    newest = inbox.list(userId="me", maxResults=1).execute()["messages"][0]["id"]

    payload = inbox.get(userId="me", id=newest).execute()["payload"]
    bodies, attached, _ = payload["parts"]

    assert payload["mimeType"] == "multipart/mixed"
    assert [part["mimeType"] for part in bodies["parts"]] == ["text/plain", "text/html"]
    assert b"gato-nube-483726" in base64.urlsafe_b64decode(bodies["parts"][0]["body"]["data"])
    assert attached["filename"] == "cuentas ñ.csv"
    content = inbox.attachments().get(userId="me", messageId=newest, id=attached["body"]["attachmentId"]).execute()
    assert base64.urlsafe_b64decode(content["data"]) == "\ufeffnombre;cuenta\r\n".encode()


def test_the_minimal_form_has_no_payload(outbox: Any, inbox: Any) -> None:
    send(outbox, mail())
    newest = inbox.list(userId="me", maxResults=1).execute()["messages"][0]["id"]

    found = inbox.get(userId="me", id=newest, format="minimal").execute()

    assert "payload" not in found
    assert found["snippet"] == "La contraseña es gato-nube-483726."


def test_every_recipient_gets_it_and_none_sees_a_blind_copy(google: StandIn, outbox: Any, inbox: Any) -> None:
    send(outbox, mail(subject="A varios", Cc=f"Luis <{OTHER_TEACHER}>", Bcc=STUDENT, To=f"AMUNOZ@{DOMAIN}"))

    for person in (TEACHER, OTHER_TEACHER, STUDENT):
        with messages(google, person, READ_MAIL) as service:
            box = service.users().messages()
            (found,) = box.list(userId="me", q="subject:varios").execute()["messages"]
            content = box.get(userId="me", id=found["id"], format="raw").execute()["raw"]
        received = BytesParser(policy=SMTP).parsebytes(base64.urlsafe_b64decode(content))
        assert received["Bcc"] is None
        assert received["Cc"] == f"Luis <{OTHER_TEACHER}>"


def test_what_was_sent_lies_in_sent(google: StandIn, outbox: Any) -> None:
    sent = send(outbox, mail())

    with messages(google, SENDER, READ_MAIL) as service:
        box = service.users().messages()
        assert box.list(userId="me", labelIds=["SENT"], maxResults=1).execute()["messages"][0]["id"] == sent["id"]
        assert "messages" not in box.list(userId="me", labelIds=["INBOX"]).execute()


def test_the_list_is_paged(outbox: Any, inbox: Any) -> None:
    for number in range(5):
        send(outbox, mail(subject=f"Página {number}"))

    seen = []
    request = inbox.list(userId="me", q="subject:Página", maxResults=2)
    while request is not None:
        page = request.execute()
        seen += [each["id"] for each in page["messages"]]
        request = inbox.list_next(request, page)

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"raw": ""}, 400), ({"raw": "¡no!"}, 400), ({"raw": "x", "asunto": "x"}, 400), ({"raw": 1}, 400)],
)
def test_a_body_without_a_message_is_refused(outbox: Any, body: dict[str, Any], status: int) -> None:
    with pytest.raises(HttpError) as raised:
        outbox.send(userId="me", body=body).execute()

    assert raised.value.status_code == status


def test_mail_goes_out_only_in_the_sender_s_own_name(outbox: Any) -> None:
    for sender in (TEACHER, f"{SENDER}, {TEACHER}"):
        assert refusal(outbox.send(userId="me", body=raw(mail(From=sender)))) == (400, "invalidArgument")
    assert refusal(outbox.send(userId=TEACHER, body=raw(mail()))) == (403, "forbidden")


def test_mail_to_nobody_is_refused(outbox: Any) -> None:
    assert refusal(outbox.send(userId="me", body=raw(mail(To="")))) == (400, "invalidArgument")


def test_a_scope_to_send_reads_nothing(outbox: Any) -> None:
    assert refusal(outbox.list(userId="me")) == (403, "insufficientPermissions")


def test_a_scope_to_read_sends_nothing(inbox: Any) -> None:
    assert refusal(inbox.send(userId="me", body=raw(mail()))) == (403, "insufficientPermissions")


def test_a_service_account_has_no_mailbox(google: StandIn) -> None:
    with client(google, "gmail", "v1", credentials(google, None, SEND_MAIL)) as service:
        assert refusal(service.users().messages().send(userId="me", body=raw(mail()))) == (400, "failedPrecondition")


def test_somebody_else_s_message_is_not_found(google: StandIn, outbox: Any) -> None:
    sent = send(outbox, mail())

    with messages(google, STUDENT, READ_MAIL) as service:
        assert refusal(service.users().messages().get(userId="me", id=sent["id"]))[0] == 404


@pytest.mark.parametrize("arguments", [{}, {"body": {}}], ids=["message alone", "with metadata"])
def test_the_media_form_sends_too(google: StandIn, inbox: Any, arguments: dict[str, Any]) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = SENDER, TEACHER, "Por carga"
    message.set_content("En ASCII, porque el cliente no sabe cargar otra cosa con metadatos.")
    media = MediaInMemoryUpload(message.as_bytes(), mimetype="message/rfc822", resumable=False)

    with rooted(google, "gmail", "v1", credentials(google, SENDER, SEND_MAIL)) as service:
        service.users().messages().send(userId="me", media_body=media, **arguments).execute()

    newest = inbox.list(userId="me", maxResults=1).execute()["messages"][0]["id"]
    found = inbox.get(userId="me", id=newest, format="raw").execute()
    assert base64.urlsafe_b64decode(found["raw"]).split() == message.as_bytes().split()


def test_mail_survives_a_kill(google: StandIn, outbox: Any) -> None:
    send(outbox, mail(subject="Antes de la caída"))

    google.restart()

    with messages(google, TEACHER, READ_MAIL) as service:
        assert service.users().messages().list(userId="me", q="subject:caída").execute()["messages"]


def page(google: StandIn, path: str) -> requests.Response:
    return requests.get(f"{google.url}{path}", timeout=10)


def newest_link(google: StandIn) -> str:
    found = re.search(rf'href="(/mail/{TEACHER}/[0-9a-f]+)"', page(google, f"/mail/{TEACHER}").text)
    assert found is not None
    return found[1]


def test_a_mailbox_shows_the_newest_message_first(google: StandIn, outbox: Any) -> None:
    send(outbox, mail(subject="La primera"))
    send(outbox, mail(subject="La <b>segunda</b>"))

    text = page(google, f"/mail/{TEACHER}").text

    assert text.index("La &lt;b&gt;segunda&lt;/b&gt;") < text.index("La primera")
    assert TEACHER in page(google, "/mail/").text


def test_a_mailbox_shows_the_time_of_el_salvador_whatever_the_machines_own_is(google: StandIn, outbox: Any) -> None:
    send(outbox, mail())
    for path in (f"/mail/{TEACHER}", newest_link(google)):
        shown = re.search(r'<time datetime="([^"]+)">(.*?)</time>', page(google, path).text)
        assert shown
        arrived = datetime.fromisoformat(shown[1])
        assert arrived.utcoffset() == timedelta(hours=-6)
        assert abs(datetime.now(UTC) - arrived) < timedelta(minutes=5)
        assert shown[2] == f"{arrived:%d/%m/%Y %H:%M} (hora de El Salvador)"


def test_a_message_is_shown_in_a_frame_that_can_do_nothing(google: StandIn, outbox: Any) -> None:
    send(outbox, mail())
    link = newest_link(google)

    shown, body = page(google, link), page(google, f"{link}/body")

    assert f'src="{link}/body"' in shown.text
    assert re.search(r'<iframe[^>]* sandbox="allow-popups', shown.text)
    assert "<h1>Cuentas</h1>" in body.text
    assert f"src='{link}/attachments/1'" in body.text
    assert "sandbox allow-popups" in body.headers["Content-Security-Policy"]
    assert "allow-scripts" not in shown.text + body.headers["Content-Security-Policy"]


def test_an_attachment_is_downloaded_under_its_name(google: StandIn, outbox: Any) -> None:
    send(outbox, mail())

    answer = page(google, f"{newest_link(google)}/attachments/0")

    assert answer.content == "\ufeffnombre;cuenta\r\n".encode()
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''cuentas%20%C3%B1.csv"
    assert answer.headers["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize("path", [f"/mail/nadie@{DOMAIN}", f"/mail/{TEACHER}/0123456789abcdef"])
def test_a_mailbox_or_message_that_does_not_exist_is_404(google: StandIn, path: str) -> None:
    for suffix in ("", "/attachments/99") if path.count("/") > 2 else ("",):
        assert page(google, path + suffix).status_code == 404


def test_the_mailbox_pages_are_valid_html(google: StandIn, outbox: Any) -> None:
    send(outbox, mail())

    for path in ("/mail/", f"/mail/{TEACHER}", f"/mail/{STUDENT}", f"/mail/nadie@{DOMAIN}", newest_link(google)):
        assert [problem for problem in problems_of(page(google, path).text) if problem != "a iframe"] == []


def test_the_history_tells_what_was_mailed(google: StandIn, outbox: Any) -> None:
    sent = send(outbox, mail(subject="Para la historia"))

    last = google.history()["mail"][-1]

    assert (last["id"], last["to"], last["subject"]) == (sent["id"], [TEACHER], "Para la historia")
    assert last["messageId"] == MESSAGE_ID


def test_an_alias_is_a_sender_too(google: StandIn) -> None:
    with messages(google, TEACHER, SEND_MAIL) as service:
        own = mail(From=f"ana@{DOMAIN}", To=STUDENT)
        assert service.users().messages().send(userId="me", body=raw(own)).execute()["id"]


def test_gmail_refuses_without_a_token(google: StandIn) -> None:
    with AuthorizedSession(credentials(google, SENDER, SEND_MAIL)) as session:
        good = session.post(f"{google.url}/gmail/v1/users/me/messages/send", json=raw(mail()), timeout=10)
    bad = requests.post(f"{google.url}/gmail/v1/users/me/messages/send", json=raw(mail()), timeout=10)

    assert (good.status_code, bad.status_code) == (200, 401)
