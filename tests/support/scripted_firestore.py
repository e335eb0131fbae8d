"""A server that speaks Firestore's gRPC and answers as it was told: for what the emulator never does."""

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

_METHODS: dict[str, tuple[Any, Any]] = {
    "Commit": (types.CommitRequest, types.CommitResponse),
    "BatchGetDocuments": (types.BatchGetDocumentsRequest, types.BatchGetDocumentsResponse),
    "RunQuery": (types.RunQueryRequest, types.RunQueryResponse),
}


class Script:
    """What each method answers, in turn; the last for ever. Without a script a commit succeeds, and nothing is
    there."""

    def __init__(self) -> None:
        self._answers: dict[str, deque[grpc.StatusCode]] = {method: deque() for method in _METHODS}
        self.calls: list[str] = []

    def say(self, method: str, *answers: grpc.StatusCode) -> None:
        self._answers[method].extend(answers)

    def answer(self, method: str, request: Any, context: Any) -> Any:
        self.calls.append(method)
        answers = self._answers[method]
        status = answers.popleft() if len(answers) > 1 else next(iter(answers), grpc.StatusCode.OK)
        if status is not grpc.StatusCode.OK:
            context.abort(status, "as the script says")
        if method == "Commit":
            return types.CommitResponse()
        if method == "RunQuery":
            return iter([types.RunQueryResponse()])
        return iter([types.BatchGetDocumentsResponse(missing=name) for name in request.documents])


@contextlib.contextmanager
def scripted_firestore() -> Iterator[tuple[str, Script]]:
    """Its `host:port`, and the script to write."""
    script = Script()
    threads = ThreadPoolExecutor(4)
    server = grpc.server(threads, handlers=[_handlers(script)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", script
    finally:
        server.stop(None).wait()
        threads.shutdown()


def _handlers(script: Script) -> Any:
    return grpc.method_handlers_generic_handler(
        "google.firestore.v1.Firestore", {method: _handler(script, method) for method in _METHODS}
    )


def _handler(script: Script, method: str) -> Any:
    request, response = _METHODS[method]
    kind = grpc.unary_unary_rpc_method_handler if method == "Commit" else grpc.unary_stream_rpc_method_handler
    return kind(
        lambda message, context: script.answer(method, message, context),
        request_deserializer=request.deserialize,
        response_serializer=response.serialize,
    )
