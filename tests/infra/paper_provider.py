"""A google provider on paper: it knows the schema and nothing else, and talks to no cloud.

Terraform asks its providers for their schemas over gRPC (plugin protocol 6) and then checks names, types, required
attributes and references by itself; with `mock_provider` it also plans by itself. So the schema is all there is to
serve. Messages are written by hand, since the protocol's stubs are in no package.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from tests.infra.provider_schema import Block, Nested, Schema, type_json

SOURCE = "registry.terraform.io/hashicorp/google"
_NESTING = {"single": 1, "list": 2, "set": 3}
_SAYS_NOTHING = b""  # a message without diagnostics: all is well
_NODS = (
    "ConfigureProvider",
    "GetResourceIdentitySchemas",
    "StopProvider",
    "ValidateDataResourceConfig",
    "ValidateProviderConfig",
    "ValidateResourceConfig",
)


@contextmanager
def serving(schema: Schema) -> Iterator[dict[str, str]]:
    """Serve on a free port of this machine; gives the environment with which Terraform finds it."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers((_handlers(schema),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    provider = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({SOURCE: provider})}
    finally:
        server.stop(grace=None).wait()


def _handlers(schema: Schema) -> Any:
    answers = {**dict.fromkeys(_NODS, _SAYS_NOTHING), "GetProviderSchema": _schemas(schema)}
    methods = {method: grpc.unary_unary_rpc_method_handler(_always(answer)) for method, answer in answers.items()}
    return grpc.method_handlers_generic_handler("tfplugin6.Provider", methods)


def _always(answer: bytes) -> Callable[[bytes, Any], bytes]:
    def behaviour(_request: bytes, _context: Any) -> bytes:
        return answer

    return behaviour


def _schemas(schema: Schema) -> bytes:
    return (
        _bytes(1, _schema(schema.provider))
        + _map(2, {name: _schema(block) for name, block in schema.resources.items()})
        + _map(3, {name: _schema(block) for name, block in schema.data_sources.items()})
    )


def _schema(block: Block) -> bytes:
    return _bytes(2, _block(block))


def _block(block: Block) -> bytes:
    attributes = b"".join(
        _bytes(
            2,
            _bytes(1, name.encode())
            + _bytes(2, type_json(attribute.type))
            + _number(4, attribute.required)
            + _number(5, attribute.optional)
            + _number(6, attribute.computed),
        )
        for name, attribute in block.attributes.items()
    )
    return attributes + b"".join(_bytes(3, _nested(name, nested)) for name, nested in block.blocks.items())


def _nested(name: str, nested: Nested) -> bytes:
    return (
        _bytes(1, name.encode())
        + _bytes(2, _block(nested.block))
        + _number(3, _NESTING[nested.nesting])
        + _number(4, nested.required)
        + _number(5, nested.at_most_one)
    )


def _map(field: int, entries: Mapping[str, bytes]) -> bytes:
    return b"".join(_bytes(field, _bytes(1, key.encode()) + _bytes(2, value)) for key, value in entries.items())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(int(value))


def _varint(value: int) -> bytes:
    head = b""
    while value > 0x7F:
        head += bytes([value & 0x7F | 0x80])
        value >>= 7
    return head + bytes([value])
