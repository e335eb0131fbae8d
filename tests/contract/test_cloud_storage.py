"""What Bucket promises, of the adapter for Cloud Storage: on the stand-in, and at the edge where things go wrong."""

import io
import zipfile
from collections.abc import Iterator

import pytest
import requests
from google.auth.transport.requests import Request
from hypothesis import given
from hypothesis import strategies as st

from secciones.adapters.cloud_storage import SCOPE, CloudStorageBucket, _RemoteFile
from secciones.domain.errors import BucketUnavailable
from secciones.ports.bucket import StoredFile
from tests.support.google_edge import TOKEN_PATH, NoWait, claims_of, delegated, error, give_tokens
from tests.support.google_stand_in import READ_USERS, StandIn, credentials, rooted
from tests.support.scripted_http import Answer, HangUp, Reply, ScriptedServer, scripted_server

BUCKET = "secciones-local-roster"
LIST = f"/storage/v1/b/{BUCKET}/o"
FILE = StoredFile("incoming/a.zip", "7", 5)


@pytest.fixture
def bucket(google: StandIn) -> Iterator[CloudStorageBucket]:
    no_wait = NoWait()
    opened = CloudStorageBucket(
        lambda: credentials(google, None, SCOPE), google.url, BUCKET, random=no_wait.random, sleep=no_wait.sleep
    )
    yield opened
    for file in opened.files(""):
        opened.delete(file)


def names(bucket: CloudStorageBucket, prefix: str = "") -> list[str]:
    return [file.name for file in bucket.files(prefix)]


class TestOnTheStandIn:
    def test_files_come_in_the_order_in_which_they_were_written(self, bucket: CloudStorageBucket) -> None:
        for name in ("in/b", "in/a", "out/c"):
            bucket.write(name, io.BytesIO(name.encode()))
        assert names(bucket, "in/") == ["in/b", "in/a"]
        assert [file.size for file in bucket.files("in/")] == [4, 4]
        assert names(bucket, "nothing") == []

    def test_a_file_is_what_was_written_last(self, bucket: CloudStorageBucket) -> None:
        bucket.write("a", io.BytesIO(b"old"))
        bucket.write("a", io.BytesIO(b"newer"))
        [file] = bucket.files("a")
        assert bucket.open(file).read() == b"newer"

    def test_a_file_that_was_replaced_since_is_not_read(self, bucket: CloudStorageBucket) -> None:
        bucket.write("a", io.BytesIO(b"old"))
        [old] = bucket.files("a")
        bucket.write("a", io.BytesIO(b"new"))
        with pytest.raises(BucketUnavailable, match="notFound"):
            bucket.open(old).read()
        bucket.delete(old)
        assert names(bucket) == ["a"]

    def test_a_deleted_file_is_gone_and_may_be_deleted_again(self, bucket: CloudStorageBucket) -> None:
        bucket.write("in/ñ #?.zip", io.BytesIO(b"x"))
        [file] = bucket.files("in/")
        bucket.delete(file)
        bucket.delete(file)
        assert names(bucket) == []

    def test_an_archive_is_read_in_place(self, bucket: CloudStorageBucket) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as made:
            made.writestr("users.csv", b"row\n" * 2_000_000)
        bucket.write("a.zip", archive)
        [file] = bucket.files("a.zip")
        with zipfile.ZipFile(bucket.open(file)) as opened, opened.open("users.csv") as member:
            assert sum(piece.count(b"\n") for piece in iter(lambda: member.read(1 << 20), b"")) == 2_000_000

    def test_another_bucket_is_not_there(self, google: StandIn) -> None:
        other = CloudStorageBucket(
            lambda: credentials(google, None, SCOPE), google.url, "other", random=lambda: 0, sleep=lambda _: None
        )
        with pytest.raises(BucketUnavailable, match="notFound"):
            other.files("")

    def test_googles_own_client_reads_the_same(self, google: StandIn, bucket: CloudStorageBucket) -> None:
        for number in range(3):
            bucket.write(f"in/{number}", io.BytesIO(b"x" * number))
        with rooted(google, "storage", "v1", credentials(google, None, SCOPE)) as storage:
            objects = storage.objects()
            page = objects.list(bucket=BUCKET, prefix="in/", maxResults=2).execute()
            rest = objects.list(bucket=BUCKET, prefix="in/", pageToken=page["nextPageToken"]).execute()
            size = objects.get(bucket=BUCKET, object="in/2").execute()["size"]
            content = objects.get_media(bucket=BUCKET, object="in/2").execute()
        assert [item["name"] for item in page["items"] + rest["items"]] == ["in/0", "in/1", "in/2"]
        assert (size, content) == ("2", b"xx")

    def test_a_token_for_something_else_is_refused(self, google: StandIn) -> None:
        made = credentials(google, None, READ_USERS)
        other = CloudStorageBucket(lambda: made, google.url, BUCKET, random=lambda: 0, sleep=lambda _: None)
        with pytest.raises(BucketUnavailable, match="insufficientPermissions"):
            other.files("")

    def test_a_range_behind_the_end_is_refused(self, google: StandIn, bucket: CloudStorageBucket) -> None:
        bucket.write("a", io.BytesIO(b"abc"))
        made = credentials(google, None, SCOPE)
        with requests.Session() as session:
            made.refresh(Request(session))
        asked = {"Authorization": f"Bearer {made.token}", "Range": "bytes=3-9"}
        answer = requests.get(f"{google.url}{LIST}/a?alt=media", headers=asked, timeout=5)
        assert answer.status_code == 416


@pytest.fixture(scope="module")
def module_server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def edge(module_server: ScriptedServer) -> ScriptedServer:
    module_server.asked.clear()
    give_tokens(module_server)
    return module_server


def at(edge: ScriptedServer, no_wait: NoWait) -> CloudStorageBucket:
    return CloudStorageBucket(delegated(edge, SCOPE), edge.url, BUCKET, random=no_wait.random, sleep=no_wait.sleep)


class TestAtTheEdge:
    def test_calls_carry_a_token_of_the_narrowest_scope(self, edge: ScriptedServer) -> None:
        edge.on(LIST, Answer(200, {}))
        assert at(edge, NoWait()).files("incoming/") == []
        (grant,) = edge.asked_for(TOKEN_PATH)
        assert claims_of(grant.form["assertion"])["scope"] == SCOPE

    @pytest.mark.parametrize(
        ("reply", "reason", "waits"),
        [
            pytest.param(error(503, "backendError"), "backendError", 2, id="overload"),
            pytest.param(error(429, "rateLimitExceeded"), "rateLimitExceeded", 2, id="quota"),
            pytest.param(HangUp(), "unreachable", 2, id="connection closed"),
            pytest.param(error(403, "forbidden"), "forbidden", 0, id="no right"),
            pytest.param(Answer(302, b"", "text/plain"), "http302", 0, id="a redirection"),
            pytest.param(Answer(200, b"{", "application/json"), "unreadableAnswer", 0, id="half an answer"),
            pytest.param(Answer(200, []), "unreadableAnswer", 0, id="another shape"),
        ],
    )
    def test_a_failure_is_told_and_tried_again_if_it_may_pass(
        self, edge: ScriptedServer, reply: Reply, reason: str, waits: int
    ) -> None:
        edge.on(LIST, reply)
        no_wait = NoWait()
        with pytest.raises(BucketUnavailable, match=reason):
            at(edge, no_wait).files("incoming/")
        assert len(no_wait.waits) == waits

    def test_a_writing_is_sent_whole_again_after_a_failure(self, edge: ScriptedServer) -> None:
        path = f"/upload{LIST}"
        edge.on(path, HangUp(), error(503, "backendError"), Answer(200, {}))
        at(edge, NoWait()).write("a", io.BytesIO(b"content"))
        assert [asked.body for asked in edge.asked_for(path)] == [b"content"] * 3

    def test_another_part_than_was_asked_for_is_not_taken(self, edge: ScriptedServer) -> None:
        edge.on(f"{LIST}/incoming/a.zip", Answer(206, b"abc", "application/octet-stream"))
        edge.on(f"{LIST}/incoming%2Fa.zip", Answer(206, b"abc", "application/octet-stream"))
        with pytest.raises(BucketUnavailable, match="another part"):
            at(edge, NoWait()).open(FILE).read()


@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, 220), st.integers(0, 90)), max_size=8))
def test_a_remote_file_reads_like_one_in_memory(content: bytes, reads: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secciones.adapters.cloud_storage._BLOCK", 16)
        remote, local = _RemoteFile(lambda first, last: content[first : last + 1], len(content)), io.BytesIO(content)
        for place, length in reads:
            assert remote.seek(place) == local.seek(place)
            assert _read(remote, length) == local.read(length)
            assert remote.tell() == local.tell()


def _read(file: io.RawIOBase, length: int) -> bytes:
    found = b""
    while len(found) < length and (piece := file.read(length - len(found))):
        found += piece
    return found
