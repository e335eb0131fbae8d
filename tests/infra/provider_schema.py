"""The google provider's own schema, out of the package that CDK Terrain generates from it.

The provider itself cannot be had where the tests run. Its bindings, on PyPI, carry a file for every resource with the
name, type and kind of every attribute and block, which is what Terraform asks a provider for.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = "cdktn-provider-google"

_CLASS = re.compile(r"^class (\w+) extends cdktn\.\w+ \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(
    r"^    // (?P<name>\w+) - computed: (?P<computed>\w+), optional: (?P<optional>\w+), required: (?P<required>\w+)$"
    r"(?P<code>.*?)(?=^    // \w+ - computed|^    // ====|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NESTED = re.compile(
    r'new (?!cdktn\.)(?:\w+\.)?(?P<type>\w+?)(?P<form>OutputReference|List)\(this, "\w+"(?:, (?P<is_set>true|false))?\)'
)
_GETTER = re.compile(r"(?P<set>tolist\()?this\.get(?P<type>\w+)Attribute\('")
_PRIMITIVES: Mapping[str, Any] = {
    "Boolean": "bool",
    "List": ["list", "string"],
    "Number": "number",
    "NumberList": ["list", "number"],
    "String": "string",
    "StringList": ["list", "string"],
    "StringMap": ["map", "string"],
}
_SETTABLE = re.compile(r'^            (\w+): \{\n.*\n.*\n.*\n +storageClassType: "(\w+)"', re.MULTILINE)


@dataclass(frozen=True)
class Attribute:
    """`type` is Terraform's own notation, such as `["list", "string"]`."""

    type: Any
    required: bool
    optional: bool
    computed: bool


@dataclass(frozen=True)
class Nested:
    """A block in a block; `nesting` is `single`, `list` or `set`."""

    block: "Block"
    nesting: str
    required: bool
    at_most_one: bool


@dataclass(frozen=True)
class Block:
    """What may stand between two braces."""

    attributes: Mapping[str, Attribute]
    blocks: Mapping[str, Nested]


@dataclass(frozen=True)
class Schema:
    """The provider's configuration and those resources and data sources that were asked for and exist."""

    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]


def provider_version() -> str:
    """The version of the google provider that the package was generated from."""
    text = metadata.distribution(PACKAGE).read_text("METADATA") or ""
    found = re.search(r"hashicorp/google provider version (\S+)", text)
    assert found, f"{PACKAGE} does not say its provider's version"
    return found.group(1)


def read_schema(resources: Iterable[str], data_sources: Iterable[str]) -> Schema:
    """Read what is asked for; what the provider does not have is not in the answer."""
    wanted = {
        "provider": "provider",
        **{_folder(name): name for name in resources},
        **{f"data-google-{_folder(name)}": f"data.{name}" for name in data_sources},
    }
    blocks = {wanted[folder]: _root_block(source) for folder, source in _sources(set(wanted)).items()}
    return Schema(
        provider=blocks.pop("provider"),
        data_sources={name.removeprefix("data."): block for name, block in blocks.items() if name.startswith("data.")},
        resources={name: block for name, block in blocks.items() if not name.startswith("data.")},
    )


def _folder(name: str) -> str:
    return name.removeprefix("google_").replace("_", "-")


def _sources(folders: set[str]) -> dict[str, str]:
    """The code of each folder; a large resource has several files."""
    files = metadata.files(PACKAGE) or []
    archive = next(Path(str(file.locate())) for file in files if file.name.endswith(".jsii.tgz"))
    found: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as content:
        for member in content:
            _, _, path = member.name.partition("package/lib/")
            folder, _, file = path.partition("/")
            if folder in folders and file.endswith(".js"):
                source = content.extractfile(member)
                assert source
                found[folder] = found.get(folder, "") + source.read().decode()
    return found


def _root_block(source: str) -> Block:
    classes = dict(_CLASS.findall(source))
    root = next(name for name, body in classes.items() if "STATIC PROPERTIES" in body)
    return _block(classes, root)


def _block(classes: Mapping[str, str], name: str) -> Block:
    attributes: dict[str, Attribute] = {}
    blocks: dict[str, Nested] = {}
    settable = dict(_SETTABLE.findall(classes[name]))
    for member in _MEMBER.finditer(classes[name]):
        nested = _NESTED.search(member["code"])
        if nested and member["computed"] == "false":
            blocks[member["name"]] = _nested(classes, member, nested)
            continue
        type_ = _type(classes, member["code"], settable.get(member["name"], ""))
        if type_:  # only the provider's own blocks, such as `batching`, are written in a way of their own
            attributes[member["name"]] = Attribute(
                type_,
                member["required"] == "true",
                member["optional"] == "true",
                member["computed"] == "true",
            )
    return Block(attributes, blocks)


def _nested(classes: Mapping[str, str], member: re.Match[str], nested: re.Match[str]) -> Nested:
    is_single = member["name"] == "timeouts"
    one = nested["form"] == "OutputReference"
    nesting = "single" if is_single else "set" if nested["is_set"] == "true" else "list"
    block = _block(classes, f"{nested['type']}OutputReference")
    return Nested(block, nesting, member["required"] == "true", one and not is_single)


def _type(classes: Mapping[str, str], code: str, storage: str) -> Any:
    if "new cdktn.StringMap(" in code:
        return ["map", "string"]
    if nested := _NESTED.search(code):
        inner = _block(classes, f"{nested['type']}OutputReference")
        fields = {name: attribute.type for name, attribute in inner.attributes.items()}
        return ["set" if nested["is_set"] == "true" else "list", ["object", fields]]
    if getter := _GETTER.search(code):
        type_ = _PRIMITIVES[getter["type"]]
        return ["set", type_[1]] if getter["set"] else type_
    return _PRIMITIVES.get(storage[:1].upper() + storage[1:])


def type_json(type_: Any) -> bytes:
    """The notation of a type on the wire."""
    return json.dumps(type_).encode()
