"""Cloud Storage: the objects of a few buckets, listed, read in ranges, written whole and removed."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from infra.local.google.answers import Call
from infra.local.google.discovery import Document
from infra.local.google.errors import ApiError
from infra.local.google.gateway import Api, Handler, Media, Request
from infra.local.google.kms import crc32c
from infra.local.google.state import State

SELECT = "SELECT bucket, name, generation, created, content FROM objects WHERE bucket = ?"


class Storage:
    def __init__(self, state: State, buckets: tuple[str, ...]) -> None:
        self._state = state
        self._buckets = frozenset(buckets)

    def api(self) -> Api:
        handlers: dict[str, Handler] = {
            "storage.objects.list": self._list,
            "storage.objects.get": self._get,
            "storage.objects.insert": self._insert,
            "storage.objects.delete": self._delete,
        }
        document = Document("storage.v1.json", slashed=frozenset({"object"}))
        return Api("storage", document, handlers, uploads={"storage.objects.insert": _uploaded})

    def _list(self, request: Request) -> dict[str, Any]:
        prefix, limit = request.get("prefix") or "", request.get("maxResults") or 1000
        after = base64.b64decode(request.get("pageToken") or "").decode()
        rows = self._state.rows(
            f"{SELECT} AND substr(name, 1, length(?)) = ? AND name > ? ORDER BY name LIMIT ?",
            self._bucket(request), prefix, prefix, after, limit + 1,
        )  # fmt: skip
        page: dict[str, Any] = {"kind": "storage#objects"}
        if rows:
            page["items"] = [_resource(row) for row in rows[:limit]]
        if len(rows) > limit:
            page["nextPageToken"] = base64.b64encode(rows[limit - 1]["name"].encode()).decode()
        return page

    def _get(self, request: Request) -> dict[str, Any] | Media:
        row = self._row(request)
        return Media(row["content"]) if request.get("alt") == "media" else _resource(row)

    def _insert(self, request: Request) -> dict[str, Any]:
        bucket, name = self._bucket(request), request.get("name") or request.body.get("name")
        if not name:
            raise ApiError(400, "Required", "required")
        now = time.time()
        with self._state.transaction() as connection:
            [(newest,)] = connection.execute("SELECT coalesce(max(generation), 0) FROM objects").fetchall()
            generation = max(int(now * 1_000_000), newest + 1)
            created = datetime.fromtimestamp(generation / 1_000_000, UTC).isoformat(timespec="milliseconds")
            connection.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                (bucket, name, generation, created.replace("+00:00", "Z"), request.media or b""),
            )
        return _resource(self._state.rows(f"{SELECT} AND name = ?", bucket, name)[0])

    def _delete(self, request: Request) -> None:
        row = self._row(request)
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (row["bucket"], row["name"]))

    def _bucket(self, request: Request) -> str:
        bucket: str = request["bucket"]
        if bucket not in self._buckets:
            raise ApiError(404, "The specified bucket does not exist.", "notFound")
        return bucket

    def _row(self, request: Request) -> Row:
        bucket, name = self._bucket(request), request["object"]
        rows = self._state.rows(f"{SELECT} AND name = ?", bucket, name)
        wanted = request.get("generation")
        if not rows or (wanted is not None and int(wanted) != rows[0]["generation"]):
            raise ApiError(404, f"No such object: {bucket}/{name}", "notFound")
        return rows[0]


def _uploaded(call: Call) -> tuple[dict[str, Any], bytes]:
    if call.query.get("uploadType", [""])[-1] != "media":
        raise ApiError(400, "Upload type is not served here", "wrongUploadType")
    return {}, call.body


def _resource(row: Row) -> dict[str, Any]:
    content, generation = row["content"], row["generation"]
    return {
        "kind": "storage#object",
        "id": f"{row['bucket']}/{row['name']}/{generation}",
        "name": row["name"],
        "bucket": row["bucket"],
        "generation": str(generation),
        "metageneration": "1",
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        "size": str(len(content)),
        "md5Hash": base64.b64encode(hashlib.md5(content).digest()).decode(),
        "crc32c": base64.b64encode(crc32c(content).to_bytes(4, "big")).decode(),
        "etag": base64.b64encode(str(generation).encode()).decode(),
        "timeCreated": row["created"],
        "updated": row["created"],
    }
