"""Twenty teachers side by side: everybody is answered, every batch ends with one mail. `make bench` has 200."""

from tests.bench.load import STUDENTS, crowded_stack, load, lost
from tests.support.crowd import Crowd

TEACHERS = 20
SECONDS = 15.0


def test_nothing_fails_and_nothing_is_lost(firestore_emulator: str) -> None:
    """Fails when one document is everybody's (the counters without their shards, say), since its writers give up."""
    crowd = Crowd(TEACHERS, STUDENTS)
    with crowded_stack(crowd, firestore_emulator) as (stack, store):
        seen = load(stack, crowd.people(), SECONDS)
        assert seen.wrong == {}
        assert len(seen.batches) >= TEACHERS
        assert lost(stack, store, seen.batches) == []
