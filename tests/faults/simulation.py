"""Several machines in one thread under a virtual clock: whoever calls out hands over to whoever is next in time.

Each process is a greenlet. It runs until it calls out (or sleeps), and comes back when that call's time has passed,
so that one schedule is always the same interleaving and a day of waiting costs nothing.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from greenlet import getcurrent, greenlet

from tests.faults.schedule import STALL, Fault, Schedule
from tests.support.fakes import FakeClock

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here, and nothing of it runs any more."""


@dataclass(frozen=True)
class Call:
    """One call to the outside, as a failure prints it."""

    number: int
    at: float
    process: str
    port: str
    fault: Fault | None

    def __str__(self) -> str:
        fault = f"   <- {self.fault}" if self.fault else ""
        return f"{self.number:4} {self.at:10.2f} s  {self.process:12} {self.port}{fault}"


@dataclass
class Simulation:
    """The time that is, what is to happen, and every call that was made."""

    schedule: Schedule
    clock: FakeClock = field(default_factory=FakeClock)
    calls: list[Call] = field(default_factory=list)
    alive: int = 0
    _start: datetime = field(init=False)
    _agenda: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _hub: greenlet = field(default_factory=getcurrent)

    def __post_init__(self) -> None:
        self._start = self.clock.time

    @property
    def seconds(self) -> float:
        """Since the start."""
        return (self.clock.time - self._start).total_seconds()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen later."""
        at = self.clock.time + timedelta(seconds=seconds)
        heapq.heappush(self._agenda, (at, next(self._order), action))

    def start(self, name: str, work: Callable[["Process"], None]) -> None:
        """Let a process begin now. `work` must end with nothing but Killed."""
        process = Process(self, name, timedelta(seconds=self.schedule.clock_error(name)))
        self.alive += 1

        def live() -> None:
            try:
                work(process)
            except Killed:
                pass
            finally:
                self.alive -= 1

        process.body = greenlet(live, parent=self._hub)
        self.after(0, process.body.switch)

    def run(self, at_most: timedelta) -> None:
        """Let time pass until there is nothing left to happen or too long has passed."""
        while self._agenda:
            at, _, action = heapq.heappop(self._agenda)
            if at > self._start + at_most:
                return
            self.clock.time = at
            action()

    def pause(self, seconds: float) -> None:
        """Let the process that calls this wait."""
        self.after(seconds, getcurrent().switch)
        self._hub.switch()


@dataclass
class Process:
    """One machine's one process: a clock of its own, and calls that may go wrong."""

    simulation: Simulation
    name: str
    clock_error: timedelta
    body: greenlet = field(default_factory=getcurrent)
    is_dead: bool = False

    def now(self) -> datetime:
        """What this machine takes for the present moment."""
        return self.simulation.clock.time + self.clock_error

    def sleep(self, seconds: float) -> None:
        self.simulation.pause(max(0.0, seconds))

    def call(
        self, port: str, effect: Callable[[], T], failure: Callable[[str], Exception], again: Callable[[], object] = int
    ) -> T:
        """Make one call as the schedule will have it; `again` is what a store does that runs a transaction twice."""
        if self.is_dead:
            raise Killed
        simulation = self.simulation
        fault = simulation.schedule.fault_for(len(simulation.calls), port, simulation.seconds)
        simulation.calls.append(Call(len(simulation.calls), simulation.seconds, self.name, port, fault))
        simulation.pause(simulation.schedule.latency())
        match fault:
            case Fault.KILLED_BEFORE:
                self._die()
            case Fault.SLOW:
                simulation.pause(STALL)
            case Fault.AGAIN:
                again()
            case _ if fault is not None and fault.is_refusal:
                raise failure(fault.value)
        result = effect()
        match fault:
            case Fault.KILLED_AFTER:
                self._die()
            case Fault.SLOW_ANSWER:
                simulation.pause(STALL)
            case Fault.TIMES_OUT_AFTER:
                raise failure(fault.value)
        return result

    def _die(self) -> None:
        self.is_dead = True
        raise Killed
