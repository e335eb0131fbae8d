"""The nation that is simulated: its schools, the sections that a day's teachers bring, and their students' accounts.

Of 1.3 million accounts only those are there that somebody asks for. On each page of the list of all there is one more
that stands for the others, so that the store counts what keeping all of them costs.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from random import Random
from zlib import crc32

from secciones.domain.accounts import Account
from secciones.domain.people import Nie
from secciones.domain.roster import Enrolment, Roster, School, Section, Student
from secciones.ports.accounts import AccountPage
from tests.support.world import DOMAIN

SECTIONS, SCHOOLS, ACCOUNTS = 47_000, 5_150, 1_300_000
STUDENTS = "/Estudiantes"
ON_A_PAGE = 500
A_SECTION, GIVE_OR_TAKE, LARGEST_SECTION = 23, 9, 60
# Of sections to a school: most are small, and half of all sections are in schools of fifteen and more.
_SPREAD = 0.9
LARGEST = 200
HOUR = 3600.0


class Nation:
    """`has_units` says whether each school's accounts are in a unit of its own; if not, all are in one."""

    def __init__(self, random: Random, sections: int = SECTIONS, *, has_units: bool = True) -> None:
        self.sizes: dict[str, int] = {}
        self.stands_for: dict[str, int] = {}
        self._schools: dict[str, int] = {}
        self._accounts: dict[str, Account] = {}
        self._has_units = has_units
        self._pages = max(1, round(sections * ACCOUNTS / SECTIONS / ON_A_PAGE))
        self._school_of = list(_schools(random, sections))
        self._sections_in = Counter(self._school_of)

    def teachers(self, random: Random, sections: int) -> Iterator[tuple[float, list[str]]]:
        """When a teacher presses *Procesar*, and with which sections, until there are so many sections."""
        while len(self.sizes) < sections:
            school = random.choice(self._school_of)
            theirs = [self._any_section(random, school)]
            if random.random() < 1 / 20:
                most = LARGEST * (0.5 + random.random() / 2)
                while sum(self.sizes[key] for key in theirs) + LARGEST_SECTION <= most:
                    theirs.append(self._any_section(random, school))
            yield _time_of_day(random), theirs

    def section(self, students: int, school: int = 0) -> str:
        """One more section, by its name."""
        key = f"s{len(self.sizes)}"
        self.sizes[key] = students
        self._schools[key] = school
        return key

    def roster(self, section: str) -> Roster:
        """Its students, all of them with their accounts."""
        students = tuple(
            Student(f"{section}-{number}", Nie(f"{number}"), "Ana", "Rivas", address, Enrolment.ACTIVE)
            for number, address in enumerate(self._addresses(section))
        )
        return Roster(
            School("ce", "10001", "Centro", "", ""),
            Section(section, section, "A", "", "", is_open=True, student_count=len(students)),
            students,
        )

    def account(self, address: str) -> Account:
        """Whoever is asked for has one."""
        if address not in self._accounts:
            school = self._schools.get(address.rpartition("-")[0], 0)
            unit = f"{STUDENTS}/{school}" if self._has_units else STUDENTS
            self._accounts[address] = Account(
                f"g-{address}", address, unit, is_administrator=False, is_suspended=False, last_sign_in=None
            )
        return self._accounts[address]

    def page(self, token: str, org_unit: str) -> AccountPage:
        """A page of the Directory's list: of a school's unit, or of all accounts."""
        number = int(token or 0)
        if org_unit in {"", STUDENTS}:
            pages, addresses = self._pages, self._of_all[number]
            self.stands_for[f"others-{number}@{DOMAIN}"] = ON_A_PAGE - len(addresses)
            addresses = [*addresses, f"others-{number}@{DOMAIN}"]
        else:
            school = int(org_unit.rpartition("/")[2])
            pages = max(1, math.ceil(self._sections_in[school] * A_SECTION / ON_A_PAGE))
            addresses = [
                address
                for section in self._sections_of[school]
                for address in self._addresses(section)
                if _place(address, pages) == number
            ]
        accounts = [self.account(address) for address in addresses]
        return AccountPage(accounts, str(number + 1) if number + 1 < pages else "")

    @cached_property
    def _of_all(self) -> dict[int, list[str]]:
        """Addresses by the page of all accounts that they are on."""
        found: dict[int, list[str]] = defaultdict(list)
        for section in self.sizes:
            for address in self._addresses(section):
                found[_place(address, self._pages)].append(address)
        return found

    @cached_property
    def _sections_of(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for section, school in self._schools.items():
            found[school].append(section)
        return found

    def _addresses(self, section: str) -> list[str]:
        return [f"{section}-{number}@{DOMAIN}" for number in range(self.sizes[section])]

    def _any_section(self, random: Random, school: int) -> str:
        return self.section(min(LARGEST_SECTION, max(1, round(random.gauss(A_SECTION, GIVE_OR_TAKE)))), school)


def _schools(random: Random, sections: int) -> Iterator[int]:
    """The school of each section of the nation."""
    middle = math.log(SECTIONS / SCHOOLS) - _SPREAD**2 / 2
    school = 0
    while sections > 0:
        theirs = min(sections, max(1, round(random.lognormvariate(middle, _SPREAD))))
        yield from [school] * theirs
        sections -= theirs
        school += 1


def _place(address: str, pages: int) -> int:
    """The page that an account is on: a list is in the order of addresses, and those of a class are scattered in it."""
    return crc32(address.encode()) % pages


def _time_of_day(random: Random) -> float:
    chance = random.random()
    if chance < 0.8:
        middle, spread = (7 + 1 / 3, 35 / 60) if chance < 0.55 else (13, 40 / 60)
        return min(17.0, max(5.0, random.gauss(middle, spread))) * HOUR
    return (7 + 10 * random.random()) * HOUR
