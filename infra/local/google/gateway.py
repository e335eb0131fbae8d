"""The one way into the JSON APIs: credentials, scopes, quota, faults and the discovery documents.

An API is a document and a handler for each of its methods that is served; everything that
Google does alike for all APIs happens here, in Google's order.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from infra.local.google import errors, partial
from infra.local.google.answers import NOT_SERVED, Answer, Call
from infra.local.google.credentials import AccessTokens, Caller, self_signed_caller
from infra.local.google.discovery import Document, Method, Violation, check_parameters
from infra.local.google.errors import ApiError
from infra.local.google.faults import Faults
from infra.local.google.quota import Quota
from infra.local.google.service_accounts import ServiceAccounts

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A call that the document allows, by a caller who may make it."""

    method: Method
    caller: Caller
    parameters: Mapping[str, Any]
    body: Mapping[str, Any]
    media: bytes | None = None

    def __getitem__(self, parameter: str) -> Any:
        return self.parameters[parameter]

    def get(self, parameter: str) -> Any:
        return self.parameters.get(parameter)


@dataclass(frozen=True)
class Media:
    """The bytes of an object, of which a caller may want a range."""

    content: bytes


# None where success has nothing to say.
Handler = Callable[[Request], dict[str, Any] | Media | None]


@dataclass(frozen=True)
class Api:
    name: str
    document: Document
    handlers: Mapping[str, Handler]
    body_name: str = ""  # what Google calls the body in its messages
    lists_errors: bool = True
    has_quota: bool = False
    uploads: Mapping[str, Callable[[Call], tuple[dict[str, Any], bytes]]] | None = None


class Gateway:
    def __init__(
        self,
        public_url: str,
        tokens: AccessTokens,
        accounts: ServiceAccounts,
        faults: Faults,
        quota: Quota,
    ) -> None:
        self._public_url = public_url
        self._tokens = tokens
        self._accounts = accounts
        self._faults = faults
        self._quota = quota
        self._served: list[tuple[Api, Method]] = []

    def serve(self, api: Api) -> None:
        self._served += [(api, api.document.method(name)) for name in api.handlers]
        self._served += [(api, api.document.upload(name)) for name in api.uploads or ()]

    def answer(self, call: Call) -> Answer:
        for api, method in self._served:
            found = method.pattern.fullmatch(call.path)
            if found and method.verb == call.verb:
                try:
                    return self._answer(api, method, call, found.groupdict())
                except ApiError as error:
                    body = error.listed_body() if api.lists_errors else error.cloud_body()
                    return Answer(error.code, body, error.headers)
        return Answer(404, NOT_SERVED)

    def _answer(self, api: Api, method: Method, call: Call, path: dict[str, str]) -> Answer:
        caller = self._caller(api, call)
        if not caller.scopes & (method.scopes | {"*"}):
            raise errors.insufficient_scope(method.id, method.scopes)
        if api.has_quota and not self._quota.allows(caller.subject or caller.client):
            raise errors.rate_limited()
        return self._faults.around(
            api.name, method.id, call.path, lambda: self._handled(api, method, call, path, caller)
        )

    def _caller(self, api: Api, call: Call) -> Caller:
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise errors.no_credentials()
        root = api.document.root_url
        audiences = {root, root.rstrip("/"), self._public_url, f"{self._public_url}/"}
        caller = self._tokens.caller(token)
        if caller is None and token.count(".") == 2 and token.startswith("ey"):
            caller = self_signed_caller(self._accounts, token, audiences)
        if caller is None:
            raise errors.bad_credentials()
        return caller

    def _handled(self, api: Api, method: Method, call: Call, path: dict[str, str], caller: Caller) -> Answer:
        given = {**call.query, **{name: [value] for name, value in path.items()}}
        media = None
        try:
            parameters = check_parameters(method, given)
            if method.is_upload:
                assert api.uploads is not None
                body, media = api.uploads[method.id](call)
            else:
                body = _json_body(method, call)
            if method.request:
                api.document.check_body(method.request, body, api.body_name)
        except Violation as violation:
            raise errors.bad_payload(violation.message, violation.field) from None
        selection = self._selection(api, method, parameters)
        request = Request(method, caller, parameters, body, media)
        result = api.handlers[method.id](request)
        if isinstance(result, Media):
            return _ranged(result.content, call.headers.get("range", ""))
        return _checked(api, method, result, selection) if result is not None else Answer(204)

    def _selection(self, api: Api, method: Method, parameters: Mapping[str, Any]) -> partial.Tree:
        text = parameters.get("fields")
        if not text or method.response is None:
            return {}
        tree = partial.parse(text)
        unknown = api.document.unknown_field(method.response, tree)
        if unknown:
            raise partial.invalid_selection(unknown)
        return tree


def call_of(verb: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Call:
    """A call from its parts as they came over the wire; `path` is already decoded."""
    lower = {name.lower(): value for name, value in headers.items()}
    override = lower.get("x-http-method-override")
    if override and verb == "POST":
        # How Google's client sends a GET whose address would be too long.
        verb, query, body = override.upper(), body.decode("ascii", "replace"), b""
    return Call(verb, path, parse_qs(query, keep_blank_values=True), lower, body)


def with_default_credentials(call: Call, authorization: str | None) -> Call:
    if authorization is None or "authorization" in call.headers:
        return call
    return replace(call, headers={**call.headers, "authorization": authorization})


def _json_body(method: Method, call: Call) -> dict[str, Any]:
    if method.request is None or not call.body.strip():
        return {}
    try:
        body = json.loads(call.body)
    except ValueError as error:
        raise Violation(f"Invalid JSON payload received. {error}", "") from None
    if not isinstance(body, dict):
        raise Violation("Invalid JSON payload received. Expected an object.", "")
    return body


def _ranged(content: bytes, wanted: str) -> Answer:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
    if not found:
        return Answer(200, content)
    first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
    if first > last:
        raise ApiError(416, "Request range not satisfiable", "requestedRangeNotSatisfiable")
    headers = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Answer(206, content[first : last + 1], headers)


def _checked(api: Api, method: Method, result: dict[str, Any], tree: partial.Tree) -> Answer:
    try:
        api.document.check_answer(method.response, result)
    except Violation as violation:
        LOG.error("the stand-in's answer to %s breaks its schema: %s", method.id, violation)
        message = f"Stand-in bug: the answer breaks the schema of {method.response}: {violation}"
        raise ApiError(500, message, "internalError", status="INTERNAL") from None
    headers = {"ETag": result["etag"]} if "etag" in result else {}
    return Answer(200, partial.select(result, tree), headers)
