"""Which call goes wrong and how: one fault, two, or whatever a seed makes of it. A schedule's name is all of it."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

# What a stalled call or a process without a processor takes.
STALL = 60.0
_LATENCY = 0.05
_CLOCK_ERROR = 600.0
_LONGEST_OUTAGE = 5 * 3600.0


class Fault(StrEnum):
    """What becomes of one call to the outside."""

    FAILS_BEFORE = "fails_before"
    TIMES_OUT_AFTER = "times_out_after"
    SLOW = "slow"
    SLOW_ANSWER = "slow_answer"
    KILLED_BEFORE = "killed_before"
    KILLED_AFTER = "killed_after"
    AGAIN = "again"  # ABORTED: the store runs the transaction a second time
    TOO_MANY = "429"
    OVERLOADED = "503"
    QUOTA = "quotaExceeded"
    RATE = "userRateLimitExceeded"
    FORBIDDEN = "forbidden"  # for good, and only now: the account was moved or suspended meanwhile

    @property
    def is_refusal(self) -> bool:
        """Whether the call fails without an effect."""
        return self in _REFUSALS


_REFUSALS = {Fault.FAILS_BEFORE, Fault.TOO_MANY, Fault.OVERLOADED, Fault.QUOTA, Fault.RATE, Fault.FORBIDDEN}
ANYWHERE = (
    Fault.FAILS_BEFORE,
    Fault.TIMES_OUT_AFTER,
    Fault.SLOW,
    Fault.SLOW_ANSWER,
    Fault.KILLED_BEFORE,
    Fault.KILLED_AFTER,
)
_GOOGLES = (Fault.TOO_MANY, Fault.OVERLOADED, Fault.QUOTA, Fault.RATE)
_OWN: Mapping[str, tuple[Fault, ...]] = {
    "documents.transact": (Fault.AGAIN,),
    "directory.find": _GOOGLES,
    "directory.page": _GOOGLES,
    "directory.set": (*_GOOGLES, Fault.FORBIDDEN),
    "mailer.send": _GOOGLES,
}


def faults_of(port: str) -> tuple[Fault, ...]:
    """Every fault that a call of this port can have."""
    return ANYWHERE + _OWN.get(port, ())


@dataclass(frozen=True)
class Outage:
    """A port that answers nothing for a while; seconds since the start."""

    port: str
    begins: float
    ends: float

    def hits(self, port: str, seconds: float) -> bool:
        return port.startswith(self.port) and self.begins <= seconds < self.ends


@dataclass(frozen=True)
class Plot:
    """What teachers do after the first *Procesar*. A colleague presses it too, for one of the same students,
    `colleague_after` seconds after the first; the first presses *Reenviar* so long after the mail, the number of the
    times counted by the page. Operators `pause` all resets from one second to another. All
    accounts are in the mirror when it `is_mirrored`. Some `outages` and wrong clocks (seconds, by process) belong to
    the plot."""

    colleague_after: float | None = None
    resends: Sequence[float] = ()
    outages: Sequence[Outage] = ()
    clock_errors: Mapping[str, float] = field(default_factory=dict)
    pause: tuple[float, float] | None = None
    is_mirrored: bool = False


_DAY = 86_400.0
# Between the groups of accounts, and longer than a batch is waited for.
_PAUSE = (0.92, 8100.0)
PLOTS: Mapping[str, Plot] = {
    "alone": Plot(),
    "colleague": Plot(colleague_after=0.15),
    "resend": Plot(resends=[600]),
    "resends": Plot(resends=[600, 1200, 1800, 2400]),
    "late": Plot(resends=[_DAY + 3600]),
    "mirrored": Plot(is_mirrored=True, resends=[600]),
    "pause": Plot(colleague_after=0.15, pause=_PAUSE),
    "unmailed": Plot(outages=[Outage("mailer", 0, 4 * 3600)]),
    "in_vain": Plot(resends=[_DAY - 900], outages=[Outage("mailer", 3600, 2 * _DAY)]),
    "slow_clock": Plot(clock_errors={"worker-6": -_CLOCK_ERROR}),
}


@dataclass
class Schedule:
    """`faults` by number of the call, or by port and number of the call to that port: `12`, `directory.set#1`.

    Used up by one run: `schedule_of(name)` makes it anew."""

    name: str
    faults: Mapping[str, Fault] = field(default_factory=dict)
    plot: Plot = PLOTS["alone"]
    _calls: Counter[str] = field(default_factory=Counter)

    def fault_for(self, number: int, port: str, seconds: float) -> Fault | None:
        self._calls[port] += 1
        if any(outage.hits(port, seconds) for outage in self.plot.outages):
            return Fault.FAILS_BEFORE
        return self.faults.get(str(number)) or self.faults.get(f"{port}#{self._calls[port]}")

    def latency(self) -> float:
        """Seconds that the next call takes."""
        return _LATENCY

    def clock_error(self, process: str) -> float:
        """How many seconds the clock of a process's machine is wrong."""
        return self.plot.clock_errors.get(process, 0.0)

    def deliveries(self) -> list[float]:
        """After how many seconds the queue brings a new task; more than one is a duplicate, none is a loss."""
        return [0.1]

    def clicks(self) -> list[float]:
        """After how many seconds the teacher presses *Procesar*."""
        return [0.0]

    @property
    def is_bounded(self) -> bool:
        """Whether every fault passes so soon that the batch has to be complete in the end."""
        return not self.plot.outages and not self.plot.pause and Fault.FORBIDDEN not in self.faults.values()


class Storm(Schedule):
    """Much at once, from a seed: anything, workers in a race, doubtful changes, or long outages, in turn."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"storm-{seed}")
        self._random = random.Random(seed)
        self._weather = _WEATHERS[seed % len(_WEATHERS)]
        self._rate = self._random.choice(self._weather.rates)
        self._mean = self._random.choice([0.05, 0.5, 3.0, 15.0])
        self._clocks_agree = self._random.random() < self._weather.clocks_agree
        self._errors: dict[str, float] = {}
        self._drawn: set[Fault] = set()
        self.plot = self._plot()

    def fault_for(self, number: int, port: str, seconds: float) -> Fault | None:
        if fault := super().fault_for(number, port, seconds):
            return fault
        # In the end everything works again, or nothing could come to its end.
        if seconds > _LONGEST_OUTAGE or self._random.random() >= self._rate:
            return None
        possible = [fault for fault in self._weather.faults(port) if fault in faults_of(port)]
        if not possible:
            return None
        fault = self._random.choice(possible)
        self._drawn.add(fault)
        return fault

    def latency(self) -> float:
        # No adapter lets a call take much longer; a process that stands still is a fault of its own.
        return min(20.0, self._random.expovariate(1 / self._mean))

    def clock_error(self, process: str) -> float:
        if self._clocks_agree:
            return 0.0
        return self._errors.setdefault(process, self._random.uniform(-_CLOCK_ERROR, _CLOCK_ERROR))

    def deliveries(self) -> list[float]:
        copies = self._random.choice(self._weather.copies)
        return [self._random.choice([0.1, 2.0, 30.0, 300.0]) * self._random.random() for _ in range(copies)]

    def clicks(self) -> list[float]:
        return [0.0] if self._random.random() < 0.7 else [0.0, self._random.random()]

    @property
    def is_bounded(self) -> bool:
        return self._clocks_agree and self._rate < 0.05 and not self.plot.outages and Fault.FORBIDDEN not in self._drawn

    def _plot(self) -> Plot:
        colleague_after = self._random.choice(
            [None, None, 0.0, self._random.uniform(0, 5), self._random.uniform(0, 300)]
        )
        asks = self._random.choice([0, 0, 0, 1, 2, 4])
        waits = [self._random.choice([60.0, 900.0, 7200.0, _DAY]) for _ in range(asks)]
        resends = sorted(wait * self._random.uniform(0.9, 1.05) for wait in waits)
        outages = [self._outage(resends) for _ in range(self._random.choice(self._weather.outages))]
        return Plot(colleague_after, resends, outages)

    def _outage(self, resends: Sequence[float]) -> Outage:
        port = self._random.choice(["directory", "directory.set", "mailer", "queue", "audit", "opener"])
        begins = self._random.choice([0.0, self._random.uniform(0, 5), self._random.uniform(0, 300), *resends[-1:]])
        return Outage(port, begins, begins + self._random.uniform(60, _LONGEST_OUTAGE))


@dataclass(frozen=True)
class _Weather:
    """What a storm draws from; a number that stands twice is drawn twice as often."""

    faults: Callable[[str], Sequence[Fault]]
    rates: Sequence[float]
    copies: Sequence[int]
    outages: Sequence[int] = (0,)
    clocks_agree: float = 0.3


def _stalls(port: str) -> Sequence[Fault]:
    return (Fault.SLOW, Fault.SLOW_ANSWER) if port.startswith("d") else ()


def _doubts(port: str) -> Sequence[Fault]:
    return (Fault.TIMES_OUT_AFTER, Fault.KILLED_AFTER, Fault.FORBIDDEN) if port == "directory.set" else ()


_WEATHERS = (
    _Weather(faults_of, rates=(0.0, 0.02, 0.05, 0.1), copies=(0, 1, 1, 1, 2, 3), outages=(0, 0, 1)),
    _Weather(_stalls, rates=(0.1, 0.2), copies=(2, 3), clocks_agree=0.0),
    _Weather(_doubts, rates=(0.3, 0.5), copies=(1, 2), outages=(0, 1)),
    _Weather(faults_of, rates=(0.0, 0.02), copies=(0, 1), outages=(0, 1, 1, 2), clocks_agree=0.7),
)


def schedule_of(name: str) -> Schedule:
    """The schedule that a failure has printed: `storm-17`, or a plot and the calls of it that go wrong, such as
    `colleague/12:slow+mailer.send#1:killed_after`, or none of them: `colleague/calm`."""
    if name.startswith("storm-"):
        return Storm(int(name.removeprefix("storm-")))
    plot, _, faults = name.partition("/")
    pairs = (part.split(":") for part in faults.split("+")) if faults != "calm" else ()
    return Schedule(name, {call: Fault(fault) for call, fault in pairs}, PLOTS[plot])
