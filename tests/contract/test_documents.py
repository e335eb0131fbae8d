"""What the Documents port promises, of both stores: Firestore, on Google's own emulator, and the embedded SQLite."""

import functools
import itertools
import math
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secciones.domain.errors import DocumentsUnavailable, LeaseHeld
from secciones.ports.documents import Document, Documents, Transaction
from tests.contract.documents_stores import NOON, Moment, Neighbour, Store, adds_one, neighbours, takes_lease
from tests.support.emulator import free_port

A_SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def now() -> Moment:
    return Moment()


@pytest.fixture(scope="module")
def documents(store: Store, now: Moment) -> Documents:
    return store.opened(now)


@pytest.fixture(scope="module")
def others(store: Store) -> Iterator[list[Neighbour]]:
    with neighbours(store, 3) as there:
        yield there


@pytest.fixture(scope="module")
def rivals(others: list[Neighbour]) -> list[Neighbour]:
    return others[:2]


@pytest.fixture(scope="module")
def mortal(others: list[Neighbour]) -> Neighbour:
    return others[2]


_numbers = itertools.count()


@pytest.fixture
def collection() -> str:
    """One that nothing else uses."""
    return f"c{next(_numbers)}"


def exactly(value: Any) -> Any:
    """A value with its types, so that 1, 1.0 and true differ."""
    match value:
        case dict():
            return {key: exactly(item) for key, item in value.items()}
        case list():
            return [exactly(item) for item in value]
        case datetime():
            return datetime, value.astimezone(UTC)
        case _:
            return type(value), value


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = texts.filter(lambda name: name and not (name.startswith("__") and name.endswith("__")))
integers = st.integers(-(2**63), 2**63 - 1)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001 - gets its zone here
floats = st.floats(allow_nan=False)
lists_of = functools.partial(st.lists, max_size=6)
numbers = integers | st.floats(-1e9, 1e9)
scalars = st.none() | st.booleans() | integers | floats | texts | st.binary(max_size=40) | times
maps = st.recursive(
    st.dictionaries(names, scalars, max_size=3),
    lambda inner: st.dictionaries(names, inner | st.lists(scalars | inner, max_size=3), max_size=3),
    max_leaves=6,
)
generated = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestValues:
    @given(document=maps)
    @generated
    def test_a_document_comes_back_as_it_was_written(self, documents: Documents, document: Document) -> None:
        key = uuid.uuid4().hex
        assert documents.create("values", key, document)
        assert exactly(documents.get("values", key)) == exactly(document)

    def test_times_come_back_in_utc_to_the_microsecond(self, documents: Documents, collection: str) -> None:
        in_san_salvador = datetime(2026, 2, 3, 6, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-6)))
        documents.create(collection, "a", {"at": in_san_salvador})
        at = (documents.get(collection, "a") or {})["at"]
        assert type(at) is datetime
        assert (at, at.utcoffset()) == (NOON.replace(microsecond=123456), timedelta())

    def test_numbers_that_are_none_come_back(self, documents: Documents, collection: str) -> None:
        documents.create(collection, "a", {"nan": math.nan, "inf": math.inf, "low": -math.inf})
        found = documents.get(collection, "a") or {}
        assert math.isnan(found["nan"])
        assert (found["inf"], found["low"]) == (math.inf, -math.inf)

    @pytest.mark.parametrize("name", ["ñ", "a.b", "a b", "a`b", 'a"b', "a\\b", "$time", "1", "%2F", "a\nb"])
    def test_ids_and_fields_may_have_odd_names(self, documents: Documents, collection: str, name: str) -> None:
        document = {name: 1, "inside": {name: "x"}}
        assert documents.create(collection, name, document)
        assert documents.get(collection, name) == document
        assert documents.query(collection, {name: 1}, name, 5) == [(name, document)]

    @pytest.mark.parametrize("document_id", ["", "a/b", "a/b/c", ".", "..", "__a__"])
    def test_an_id_reaches_into_no_other_place(self, documents: Documents, collection: str, document_id: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: documents.get(collection, document_id),
            lambda: documents.create(collection, document_id, {}),
            lambda: documents.delete(collection, document_id),
        ]
        for call in calls:
            with pytest.raises(ValueError, match=r"document|firestore"):
                call()

    @pytest.mark.parametrize(
        "document",
        [
            {"a": datetime(2026, 1, 1)},  # noqa: DTZ001 - naive, which is the point
            {"a": 2**63},
            {"a": [[1]]},
            {"a": {1, 2}},
            {"a": object()},
            {"": 1},
            {"a": {"__b__": 1}},
            {"a": "\ud800"},
        ],
        ids=["naive", "long", "list-in-list", "set", "object", "nameless", "reserved", "surrogate"],
    )
    def test_what_a_store_cannot_hold_is_refused_and_not_kept(
        self, documents: Documents, collection: str, document: Document
    ) -> None:
        with pytest.raises((TypeError, ValueError)):
            documents.create(collection, "a", document)
        assert documents.get(collection, "a") is None

    def test_nobody_shares_the_dict_that_was_written_or_read(self, documents: Documents, collection: str) -> None:
        mine = {"list": [1]}
        documents.create(collection, "a", mine)
        mine["list"].append(2)
        (documents.get(collection, "a") or {})["list"].append(3)
        assert documents.get(collection, "a") == {"list": [1]}


class TestSingleDocuments:
    def test_a_document_that_is_not_there_is_none(self, documents: Documents, collection: str) -> None:
        assert documents.get(collection, "a") is None

    def test_create_keeps_what_is_there(self, documents: Documents, collection: str) -> None:
        assert documents.create(collection, "a", {"n": 1})
        assert not documents.create(collection, "a", {"n": 2})
        assert documents.get(collection, "a") == {"n": 1}

    def test_a_deleted_document_is_gone_and_may_be_created_again(self, documents: Documents, collection: str) -> None:
        documents.create(collection, "a", {"n": 1})
        documents.delete(collection, "a")
        documents.delete(collection, "a")
        assert documents.get(collection, "a") is None
        assert documents.create(collection, "a", {"n": 2})

    def test_collections_and_databases_do_not_mix(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        documents.create(collection, "a", {"n": 1})
        audit = Store(store.kind, store.place, "audit").opened(now)
        assert documents.get(f"{collection}x", "a") is None
        assert audit.get(collection, "a") is None
        assert audit.create(collection, "a", {"n": 2})
        assert documents.get(collection, "a") == {"n": 1}

    def test_others_see_what_was_written(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        documents.create(collection, "a", {"n": 1})
        assert store.opened(now).get(collection, "a") == {"n": 1}


class TestExpiry:
    @pytest.fixture
    def expiring(self, documents: Documents, now: Moment, collection: str) -> Document:
        document = {"n": 1, "expires_at": now() + A_SECOND}
        documents.create(collection, "a", document)
        return document

    def test_until_its_time_a_document_is_there(
        self, documents: Documents, now: Moment, collection: str, expiring: Document
    ) -> None:
        now.pass_by(A_SECOND - timedelta(microseconds=1))
        assert documents.get(collection, "a") == expiring
        assert documents.query(collection, {}, "n", 5) == [("a", expiring)]
        assert not documents.create(collection, "a", {"n": 2})

    def test_from_its_time_on_it_is_not(
        self, documents: Documents, now: Moment, collection: str, expiring: Document
    ) -> None:
        now.pass_by(A_SECOND)
        assert documents.get(collection, "a") is None
        assert documents.query(collection, {}, "n", 5) == []
        assert documents.transact(lambda transaction: transaction.get(collection, "a")) is None

    def test_a_new_one_takes_its_place_once(
        self, documents: Documents, now: Moment, collection: str, expiring: Document
    ) -> None:
        now.pass_by(A_SECOND)
        assert documents.create(collection, "a", {"other": 2})
        assert not documents.create(collection, "a", {"other": 3})
        assert documents.get(collection, "a") == {"other": 2}

    def test_without_a_time_it_stays(self, documents: Documents, now: Moment, collection: str) -> None:
        documents.create(collection, "a", {"expires_at": None})
        now.pass_by(timedelta(days=10_000))
        assert documents.get(collection, "a") == {"expires_at": None}


class TestQueries:
    def test_all_of_the_fields_must_be_equal_and_of_the_same_kind(self, documents: Documents, collection: str) -> None:
        held: dict[str, Document] = {
            "both": {"school": "10001", "year": 2026, "open": True},
            "school": {"school": "10001", "year": 2025, "open": True},
            "year": {"school": "10002", "year": 2026, "open": True},
            "closed": {"school": "10001", "year": 2026, "open": False},
            "kinds": {"school": 10001, "year": "2026", "open": 1},
            "none": {"school": None, "open": True},
        }
        for key, document in held.items():
            documents.create(collection, key, document | {"place": 1})

        def keys(**where: str | int | bool) -> set[str]:
            return {key for key, _ in documents.query(collection, where, "place", 10)}

        assert keys(school="10001", year=2026, open=True) == {"both"}
        assert keys(school="10001", year=2026) == {"both", "closed"}
        assert keys(open=True) == {"both", "school", "year", "none"}
        assert keys(open=1) == {"kinds"}
        assert keys(school=10001) == {"kinds"}
        assert keys(elsewhere="x") == set()
        assert len(keys()) == 6

    @given(places=lists_of(numbers) | lists_of(texts) | lists_of(times) | lists_of(st.binary(max_size=9)))
    @settings(generated, max_examples=15)
    def test_results_are_in_the_order_of_the_field(self, documents: Documents, places: list[Any]) -> None:
        collection = f"order-{uuid.uuid4().hex}"
        for number, place in enumerate(places):
            documents.create(collection, str(number), {"place": place})
        up = [found["place"] for _, found in documents.query(collection, {}, "place", 10)]
        down = [found["place"] for _, found in documents.query(collection, {}, "place", 10, descending=True)]
        assert up == sorted(places)
        assert down == sorted(places, reverse=True)

    @pytest.mark.parametrize("descending", [False, True])
    def test_documents_without_the_field_or_with_none_in_it_are_left_out(
        self, documents: Documents, collection: str, descending: bool
    ) -> None:
        documents.create(collection, "none", {"place": None, "n": 1})
        documents.create(collection, "without", {"n": 1})
        documents.create(collection, "with", {"place": 1, "n": 1})
        for where in ({}, {"n": 1}):
            found = documents.query(collection, where, "place", 10, descending=descending)
            assert [key for key, _ in found] == ["with"]

    def test_a_limit_takes_the_first(self, documents: Documents, collection: str) -> None:
        for number in range(5):
            documents.create(collection, str(number), {"n": number})
        assert [key for key, _ in documents.query(collection, {}, "n", 2)] == ["0", "1"]
        assert [key for key, _ in documents.query(collection, {}, "n", 2, descending=True)] == ["4", "3"]

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize(
        "places", [[1, 2, 3], ["a", "b", "c"], [NOON, NOON + A_SECOND, NOON + 2 * A_SECOND]], ids=str
    )
    def test_behind_a_value_there_is_nothing_more_of_it(
        self, documents: Documents, collection: str, places: list[Any], descending: bool
    ) -> None:
        for number, place in enumerate(places):
            for key in ("x", "y"):
                documents.create(collection, f"{key}-{number}", {"place": place})
        found = documents.query(collection, {}, "place", 9, descending=descending, after=places[1])
        assert [key for key, _ in found] == (["y-0", "x-0"] if descending else ["x-2", "y-2"])

    @given(moments=lists_of(times), after=times)
    @settings(generated, max_examples=15)
    def test_behind_an_instant_is_what_is_a_microsecond_later(
        self, documents: Documents, moments: list[datetime], after: datetime
    ) -> None:
        collection = f"after-{uuid.uuid4().hex}"
        moments += [after, after + timedelta(microseconds=1), after - timedelta(microseconds=1)]
        for number, moment in enumerate(moments):
            documents.create(collection, str(number), {"at": moment})
        found = documents.query(collection, {}, "at", 20, after=after)
        assert [document["at"] for _, document in found] == sorted(at for at in moments if at > after)

    def test_behind_a_value_one_reads_on_page_by_page_past_what_has_expired(
        self, documents: Documents, now: Moment, collection: str
    ) -> None:
        for number in range(12):
            life = {"expires_at": now()} if number % 3 == 0 else {}
            documents.create(collection, str(number), {"n": number, "kind": "k"} | life)
        found: list[int] = []
        while page := documents.query(collection, {"kind": "k"}, "n", 3, after=found[-1] if found else -1):
            found += [document["n"] for _, document in page]
        assert found == [1, 2, 4, 5, 7, 8, 10, 11]

    def test_what_is_equal_is_in_the_order_of_ids(self, documents: Documents, collection: str) -> None:
        for key in ("b", "a", "ñ", "Z", "c"):
            documents.create(collection, key, {"n": 1})
        in_order = ["Z", "a", "b", "c", "ñ"]
        assert [key for key, _ in documents.query(collection, {}, "n", 9)] == in_order
        assert [key for key, _ in documents.query(collection, {}, "n", 9, descending=True)] == in_order[::-1]

    @pytest.mark.parametrize("descending", [False, True])
    def test_expired_documents_take_no_place_in_the_limit(
        self, documents: Documents, now: Moment, collection: str, descending: bool
    ) -> None:
        for number in range(3):  # around the live ones, and several at the same place
            documents.create(collection, f"first-{number}", {"n": 1, "expires_at": now()})
            documents.create(collection, f"last-{number}", {"n": 3, "expires_at": now()})
        for key in ("a", "b", "c"):
            documents.create(collection, key, {"n": 2})
        assert len(documents.query(collection, {}, "n", 2, descending=descending)) == 2
        found = documents.query(collection, {}, "n", 4, descending=descending)
        assert {key for key, _ in found} == {"a", "b", "c"}


class TestTransactions:
    def test_everything_is_written_and_the_result_is_returned(self, documents: Documents, collection: str) -> None:
        documents.create(collection, "old", {"a": 1, "b": 2})
        documents.create(collection, "gone", {})

        def work(transaction: Transaction) -> str:
            assert transaction.get(collection, "old") == {"a": 1, "b": 2}
            assert transaction.get(collection, "new") is None
            transaction.set(collection, "old", {"c": 3})
            transaction.set(collection, "new", {"d": 4})
            transaction.set("elsewhere", collection, {"e": 5})
            transaction.delete(collection, "gone")
            transaction.delete(collection, "never")
            return "done"

        assert documents.transact(work) == "done"
        assert documents.get(collection, "old") == {"c": 3}
        assert documents.get(collection, "new") == {"d": 4}
        assert documents.get("elsewhere", collection) == {"e": 5}
        assert documents.get(collection, "gone") is None

    def test_many_are_read_at_once_and_those_that_are_not_there_are_left_out(
        self, documents: Documents, now: Moment, collection: str
    ) -> None:
        for number in range(40):
            documents.create(collection, f"d-{number}", {"n": number})
        documents.create(collection, "over", {"expires_at": now()})

        def work(transaction: Transaction) -> dict[str, Document]:
            first = transaction.get(collection, "d-1")
            found = transaction.get_many(collection, {*(f"d-{number}" for number in range(40)), "never", "over"})
            assert found["d-1"] == first
            transaction.set(collection, "d-1", {"n": 100})
            return found

        assert documents.transact(work) == {f"d-{number}": {"n": number} for number in range(40)}
        assert documents.transact(lambda transaction: transaction.get_many(collection, ())) == {}

    def test_documents_of_several_collections_are_read_ahead(
        self, documents: Documents, now: Moment, collection: str
    ) -> None:
        other = f"{collection}-other"
        documents.create(collection, "a", {"n": 1})
        documents.create(other, "b", {"n": 2})
        documents.create(other, "over", {"expires_at": now()})

        def work(transaction: Transaction) -> list[Document | None]:
            transaction.read_ahead((collection, "a"), (other, "b"), (other, "over"), (other, "never"))
            found = [transaction.get(collection, "a"), transaction.get(other, "b"), transaction.get(other, "over")]
            transaction.set(collection, "a", {"n": 3})
            return [*found, documents.get(other, "never")]

        assert documents.transact(work) == [{"n": 1}, {"n": 2}, None, None]
        assert documents.get(collection, "a") == {"n": 3}

    def test_what_was_read_ahead_and_not_asked_for_may_change_meanwhile(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        documents.create(collection, "a", {})
        meddler = Meddler(store, now, lambda transaction: transaction.set(collection, "b", {}))
        runs = []

        def work(transaction: Transaction) -> None:
            transaction.read_ahead((collection, "a"), (collection, "b"))
            transaction.get(collection, "a")
            runs.append(1)
            if len(runs) == 1:
                meddler.comes_in()
            transaction.set(collection, "a", {"n": 1})

        documents.transact(work)
        meddler.ends()
        assert documents.get(collection, "a") == {"n": 1}
        assert len(runs) == 1

    def test_who_remembers_sees_its_own_writes_and_those_of_others(self, documents: Documents, collection: str) -> None:
        mine = documents.remembering()
        assert [mine.transact(adds_one(collection, "a")) for _ in range(2)] == [1, 2]
        documents.transact(adds_one(collection, "a"))
        assert mine.transact(adds_one(collection, "a")) == 4
        documents.transact(adds_one(collection, "a"))
        assert mine.transact(lambda transaction: transaction.get(collection, "a")) == {"count": 5}

    def test_who_remembers_is_not_refused_for_what_is_so_no_longer(self, documents: Documents, collection: str) -> None:
        mine = documents.remembering()
        mine.transact(adds_one(collection, "a"))
        documents.delete(collection, "a")

        def refused_unless_gone(transaction: Transaction) -> None:
            if transaction.get(collection, "a") is not None:
                raise LeaseHeld
            transaction.set(collection, "a", {"count": 9})

        mine.transact(refused_unless_gone)
        assert documents.get(collection, "a") == {"count": 9}
        assert mine.transact(adds_one(collection, "a")) == 10

    def test_of_many_who_remember_none_loses_a_write(self, documents: Documents, collection: str) -> None:
        def adds_three(documents: Documents) -> None:
            mine = documents.remembering()
            for _ in range(3):
                mine.transact(adds_one(collection, "a"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(adds_three, [documents] * 4))
        assert documents.get(collection, "a") == {"count": 12}

    def test_a_change_to_one_of_many_that_were_read_counts_too(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        documents.create(collection, "a", {})

        def interference(transaction: Transaction) -> None:
            transaction.set(collection, "b", {})
            transaction.set(collection, "count", {"n": 2})

        meddler = Meddler(store, now, interference)

        def work(transaction: Transaction) -> None:
            found = transaction.get_many(collection, ["a", "b"])
            meddler.comes_in()
            transaction.set(collection, "count", {"n": len(found)})

        documents.transact(work)
        meddler.ends()
        assert documents.get(collection, "count") == {"n": 2}

    def test_the_last_write_to_a_document_counts(self, documents: Documents, collection: str) -> None:
        documents.create(collection, "deleted", {})

        def work(transaction: Transaction) -> None:
            transaction.get(collection, "deleted")
            transaction.set(collection, "a", {"n": 1})
            transaction.set(collection, "a", {"n": 2})
            transaction.set(collection, "deleted", {"n": 1})
            transaction.delete(collection, "deleted")

        documents.transact(work)
        assert documents.get(collection, "a") == {"n": 2}
        assert documents.get(collection, "deleted") is None

    def test_an_error_is_raised_as_it_is_and_nothing_is_written(self, documents: Documents, collection: str) -> None:
        documents.create(collection, "a", {"n": 1})
        refusal = LeaseHeld("still held")

        def work(transaction: Transaction) -> None:
            transaction.get(collection, "a")
            transaction.set(collection, "a", {"n": 2})
            transaction.set(collection, "b", {"n": 2})
            raise refusal

        with pytest.raises(LeaseHeld) as raised:
            documents.transact(work)
        assert raised.value is refusal
        assert documents.get(collection, "a") == {"n": 1}
        assert documents.get(collection, "b") is None
        assert documents.transact(adds_one(collection, "c")) == 1, "the store is as usable as before"

    @pytest.mark.parametrize("many", [False, True])
    @pytest.mark.parametrize("write", ["set", "delete"])
    def test_reading_after_a_write_is_an_error(
        self, documents: Documents, collection: str, write: str, many: bool
    ) -> None:
        def work(transaction: Transaction) -> None:
            if write == "set":
                transaction.set(collection, "a", {})
            else:
                transaction.delete(collection, "a")
            transaction.get_many(collection, ["b"]) if many else transaction.get(collection, "b")

        with pytest.raises(RuntimeError):
            documents.transact(work)
        assert documents.get(collection, "a") is None

    def test_nobody_sees_a_part_of_it(self, store: Store, documents: Documents, now: Moment, collection: str) -> None:
        documents.create(collection, "a", {"n": 1})
        other = store.opened(now)

        def work(transaction: Transaction) -> Document | None:
            transaction.set(collection, "a", {"n": 2})
            return other.get(collection, "a")

        assert documents.transact(work) == {"n": 1}
        assert other.get(collection, "a") == {"n": 2}


class Meddler:
    """Somebody else's transaction, which begins in the middle of another one, the first time that one runs."""

    def __init__(self, store: Store, now: Moment, work: Callable[[Transaction], object]) -> None:
        self._patience = 0.2 if store.writers_wait else 30.0
        self._thread = threading.Thread(target=lambda: store.opened(now).transact(work))
        self._has_begun = False

    def comes_in(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._thread.start()
            self._thread.join(self._patience)

    def ends(self) -> None:
        self._thread.join()


class TestIsolation:
    def test_a_change_to_what_was_read_is_not_overwritten(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        meddler = Meddler(store, now, adds_one(collection, "a"))

        def work(transaction: Transaction) -> None:
            count = (transaction.get(collection, "a") or {"count": 0})["count"]
            meddler.comes_in()
            transaction.set(collection, "a", {"count": count + 1})

        for expected in (2, 3):  # the document is absent at first, then there
            documents.transact(work)
            meddler.ends()
            assert documents.get(collection, "a") == {"count": expected}

    def test_a_document_that_is_read_and_not_written_counts_too(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        documents.create(collection, "read", {"n": 1})

        def interference(transaction: Transaction) -> None:
            transaction.set(collection, "read", {"n": 2})
            transaction.set(collection, "copy", {"n": 2})

        meddler = Meddler(store, now, interference)

        def copy(transaction: Transaction) -> None:
            document = transaction.get(collection, "read") or {}
            meddler.comes_in()
            transaction.set(collection, "copy", document)

        documents.transact(copy)
        meddler.ends()
        assert documents.get(collection, "copy") == {"n": 2}

    def test_a_document_that_was_found_missing_counts_too(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        def interference(transaction: Transaction) -> None:
            transaction.set(collection, "flag", {})
            transaction.delete(collection, "note")

        meddler = Meddler(store, now, interference)

        def work(transaction: Transaction) -> None:
            flagged = transaction.get(collection, "flag") is not None
            meddler.comes_in()
            if not flagged:
                transaction.set(collection, "note", {"flag": "missing"})

        documents.transact(work)
        meddler.ends()
        assert documents.get(collection, "note") is None

    def test_all_reads_are_of_one_moment(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        def both(number: int) -> Callable[[Transaction], None]:
            def work(transaction: Transaction) -> None:
                transaction.set(collection, "a", {"n": number})
                transaction.set(collection, "b", {"n": number})

            return work

        documents.transact(both(1))
        meddler = Meddler(store, now, both(2))

        def work(transaction: Transaction) -> tuple[Document | None, Document | None]:
            first = transaction.get(collection, "a")
            meddler.comes_in()
            return first, transaction.get(collection, "b")

        first, second = documents.transact(work)
        meddler.ends()
        assert first == second


class TestConcurrency:
    @pytest.mark.parametrize("expired", [False, True], ids=["absent", "expired"])
    def test_of_many_threads_that_create_at_once_one_does(
        self, documents: Documents, now: Moment, collection: str, expired: bool
    ) -> None:
        if expired:
            documents.create(collection, "a", {"expires_at": now()})
        gate = threading.Barrier(8)

        def create(number: int) -> int | None:
            gate.wait()
            return number if documents.create(collection, "a", {"n": number}) else None

        with ThreadPoolExecutor(8) as threads:
            winners = [winner for winner in threads.map(create, range(8)) if winner is not None]
        assert [documents.get(collection, "a")] == [{"n": winner} for winner in winners]

    def test_no_increment_of_many_threads_is_lost(
        self, store: Store, documents: Documents, now: Moment, collection: str
    ) -> None:
        users = [documents, store.opened(now)]
        with ThreadPoolExecutor(8) as threads:
            counts = list(threads.map(lambda n: users[n % 2].transact(adds_one(collection, "a")), range(24)))
        assert sorted(counts) == list(range(1, 25))
        assert documents.get(collection, "a") == {"count": 24}

    @pytest.mark.parametrize("command", ["create", "lease"])
    def test_of_two_processes_one_wins(self, rivals: list[Neighbour], command: str) -> None:
        for number in range(12):
            racing = [rival.told(command, f"{command}-{number}") for rival in rivals]
            assert sorted(rival.answer for rival in racing) == ["False", "True"]

    def test_no_increment_of_two_processes_is_lost(self, rivals: list[Neighbour], documents: Documents) -> None:
        for _ in range(10):
            for rival in rivals:
                rival.told("add", "shared")
        counts = [int(rival.answer) for _ in range(10) for rival in rivals]
        assert sorted(counts) == list(range(1, 21))
        assert documents.get("counts", "shared") == {"count": 20}

    def test_a_process_that_dies_in_a_transaction_writes_nothing_and_blocks_nobody(
        self, documents: Documents, mortal: Neighbour
    ) -> None:
        assert mortal.told("die", "dying").answer == ""
        assert documents.get("counts", "dying") is None
        assert documents.transact(adds_one("counts", "dying")) == 1
        assert documents.transact(takes_lease("dying", "somebody else"))


class TestFailure:
    @pytest.fixture(params=["firestore", "sqlite", "not-a-database"])
    def out_of_reach(
        self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> Documents:
        folder = tmp_path_factory.mktemp("broken")
        match request.param:
            case "firestore":
                monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
                return Store("firestore", "nowhere").opened(Moment())
            case "sqlite":
                (folder / "(default).sqlite").mkdir()
            case _:
                (folder / "(default).sqlite").write_text("This is a letter, and not a database. " * 100)
        return Store("sqlite", str(folder)).opened(Moment())

    def test_a_store_that_does_not_answer_is_unavailable_to_every_method(self, out_of_reach: Documents) -> None:
        calls: list[Callable[[], object]] = [
            lambda: out_of_reach.get("c", "a"),
            lambda: out_of_reach.create("c", "a", {}),
            lambda: out_of_reach.delete("c", "a"),
            lambda: out_of_reach.query("c", {}, "n", 1),
            lambda: out_of_reach.transact(lambda transaction: transaction.get("c", "a")),
            lambda: out_of_reach.transact(lambda transaction: transaction.set("c", "a", {})),
        ]
        with ThreadPoolExecutor(len(calls)) as threads:  # all at once, since each tries for a while
            failures = [running.exception(30) for running in [threads.submit(call) for call in calls]]
        assert [failure for failure in failures if not isinstance(failure, DocumentsUnavailable)] == []
