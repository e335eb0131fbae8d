"""Files too large for a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class StoredFile:
    """A file as it was when it was listed; `generation` changes with every writing of it."""

    name: str
    generation: str
    size: int


class Bucket(Protocol):
    """Every method raises BucketUnavailable, also while a file is read."""

    def files(self, prefix: str) -> Sequence[StoredFile]:
        """Those whose names begin so, in the order in which they were written."""
        ...

    def open(self, file: StoredFile) -> BinaryIO:
        """The file's bytes, of which only those are fetched that are read, from any place. It is the generation that
        was listed, or BucketUnavailable."""
        ...

    def write(self, name: str, content: BinaryIO) -> None:
        """Write the file, in place of one of that name. Nobody ever sees a part of it."""
        ...

    def delete(self, file: StoredFile) -> None:
        """Remove the file; nothing happens when it is not there, or is another generation."""
        ...
