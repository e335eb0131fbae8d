"""The same infrastructure with one thing wrong, to show that a test sees it."""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tests.infra.terraform import Resource


def without(resources: Sequence[Resource], address: str) -> list[Resource]:
    """All but what has this address, or is in what has it."""
    kept = [found for found in resources if not found.address.startswith(address)]
    assert len(kept) < len(resources), f"there is no {address}"
    return kept


def altered(resources: Sequence[Resource], address: str, alter: Callable[[dict[str, Any]], object]) -> list[Resource]:
    """All, and of the one with this address other values."""
    changed = []
    for found in resources:
        values = copy.deepcopy(dict(found.values))
        if found.address == address:
            alter(values)
        changed.append(dataclasses.replace(found, values=values))
    assert changed != list(resources), f"nothing was altered in {address}"
    return changed
