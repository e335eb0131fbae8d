"""What a test may change in a running queue: how it delivers, and how its API fails.

Kept in memory alone: a restart delivers and answers normally again.
"""

import threading
from dataclasses import asdict, dataclass, field, fields, replace

from infra.local.tasks.errors import JsonObject, invalid
from infra.local.tasks.store import ORDERS


@dataclass(frozen=True)
class Delivery:
    """`duplicate_next` dispatches go out twice at once; `lose_answers` answers never arrive."""

    hold: bool = False
    delay_seconds: float = 0.0
    order: str = "fifo"
    duplicate_next: int = 0
    lose_answers: int = 0

    def changed(self, changes: JsonObject) -> "Delivery":
        """Takes the fields in camelCase. Raises ApiError for an unknown field or a wrong value."""
        known = {camel(spec.name): spec.name for spec in fields(self)}
        unknown = set(changes) - set(known)
        if unknown:
            raise invalid(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
        wanted = {known[name]: value for name, value in changes.items()}
        for name, value in wanted.items():
            if not _fits(value, getattr(self, name)):
                raise invalid(f"{camel(name)}: {value!r} does not fit")
        if wanted.get("order", self.order) not in ORDERS:
            raise invalid(f"order is one of {', '.join(ORDERS)}")
        return replace(self, **wanted)

    def resource(self) -> JsonObject:
        return {camel(name): value for name, value in asdict(self).items()}


@dataclass
class Fault:
    """An answer in place of a method's own, `times` times; `after_effect`: once it has been done.

    `method` is a method's name such as tasks.create, or * for all of them.
    """

    method: str
    status: int
    times: int = 1
    after_effect: bool = False

    def resource(self) -> JsonObject:
        return {camel(name): value for name, value in asdict(self).items()}


@dataclass
class Knobs:
    """Any thread may use it."""

    delivery: Delivery = field(default_factory=Delivery)
    faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def change(self, changes: JsonObject) -> Delivery:
        """Raises ApiError."""
        with self._lock:
            self.delivery = self.delivery.changed(changes)
            return self.delivery

    def take_duplicate(self) -> bool:
        """Whether this dispatch goes out twice; uses up one."""
        with self._lock:
            left = self.delivery.duplicate_next
            self.delivery = replace(self.delivery, duplicate_next=max(0, left - 1))
            return left > 0

    def take_lost_answer(self) -> bool:
        """Whether this answer never arrives; uses up one."""
        with self._lock:
            left = self.delivery.lose_answers
            self.delivery = replace(self.delivery, lose_answers=max(0, left - 1))
            return left > 0

    def add_fault(self, request: JsonObject) -> Fault:
        """Raises ApiError."""
        fault = _fault(request)
        with self._lock:
            self.faults.append(fault)
        return fault

    def fault_for(self, method: str) -> Fault | None:
        """The first fault that is meant for the method, used up by one."""
        with self._lock:
            for fault in self.faults:
                if fault.method in ("*", method):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def clear_faults(self) -> None:
        with self._lock:
            self.faults.clear()

    def reset(self) -> None:
        with self._lock:
            self.delivery = Delivery()
            self.faults.clear()


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _fits(value: object, present: object) -> bool:
    """Of the same type as the present value, an int for a float too, and never negative."""
    if isinstance(present, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = type(value) is type(present)
    return fits and not (isinstance(value, int | float) and value < 0)


def _fault(request: JsonObject) -> Fault:
    known = {camel(spec.name): spec for spec in fields(Fault)}
    if not {"method", "status"} <= set(request) <= set(known):
        raise invalid(f"a fault needs method and status, and may have: {', '.join(known)}")
    for name, value in request.items():
        if type(value) is not known[name].type:
            raise invalid(f"{name}: {value!r} does not fit")
    if not 400 <= request["status"] <= 599 or request.get("times", 1) < 1:
        raise invalid("status is from 400 to 599, times at least 1")
    return Fault(**{known[name].name: value for name, value in request.items()})
