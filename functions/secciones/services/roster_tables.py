"""The reference data of the imported registry: what bulk has said and deltas have changed since, in one SQLite file.

It lives for one import in the function's scratch space and between imports in the bucket, so that a delta finds what it
changes. In the cloud the scratch space is memory; hence no id is stored twice: rows refer to one another by the first
64 bits of a hash of it. DUI and NIP come in as a keyed hash only.
"""

import functools
import hashlib
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from secciones.domain.import_problems import BundleRefused, Reason
from secciones.domain.people import clean_name
from secciones.domain.records import class_list, student_of, teacher_of
from secciones.domain.roster import Enrolment, School, Section
from secciones.domain.stored_roster import StoredSchool, StoredTeacher, TaughtSection, version_of

# Raised with every change to the tables: a reference of another format is as good as none.
_FORMAT = 3
_FOR_GOOD = -1
_COLUMNS = {
    "academicSessions": "id, type, start, ends, parent, year",
    "orgs": "id, name, is_school, code, department, municipality",
    "courses": "title",
    "classes": "id, title, course, code, is_section, school, terms, shift, is_open",
    "users": "id, is_enabled, numbers, given_name, family_name, identifier, email",
    "roles": "user, ends",  # of teachers
    "enrollments": "class, user, is_teacher, ends",  # of teachers and students, as long as they are active
}
# What deltas have taken away, so that one that comes late does not bring it back.
_GONE = "CREATE TABLE gone (file, key, modified, PRIMARY KEY (file, key)) WITHOUT ROWID;"
_INDEXES = """
CREATE INDEX IF NOT EXISTS roles_user ON roles (user);
CREATE INDEX IF NOT EXISTS enrollments_class ON enrollments (class);
CREATE INDEX IF NOT EXISTS enrollments_teacher ON enrollments (user) WHERE is_teacher;
"""
_BULK_INDEXES = ("roles_user", "enrollments_class", "enrollments_teacher")
_CACHE_KIB = 16_384
# So that no document comes near Firestore's limit of 1 MiB.
_MOST_STUDENTS = 500
_MOST_SECTIONS = 500

_CLASSES = """
SELECT classes.key, school, terms FROM classes JOIN orgs ON orgs.key = school WHERE is_section AND is_school
"""
_TERMS = "SELECT DISTINCT terms FROM classes WHERE is_section"
_SCHOOLS = """
SELECT DISTINCT orgs.id FROM temp.sections JOIN orgs ON orgs.key = sections.school ORDER BY orgs.id
"""
_SCHOOL = "SELECT code, name, department, municipality FROM orgs WHERE key = ?"
_SECTIONS = """
SELECT classes.key, classes.id, classes.code, classes.title, courses.title, shift, is_open
FROM temp.sections JOIN classes ON classes.key = sections.class LEFT JOIN courses ON courses.key = classes.course
WHERE sections.school = ?
"""
_STUDENTS = """
SELECT users.id, identifier, given_name, family_name, email
FROM enrollments JOIN users ON users.key = enrollments.user WHERE class = ? AND NOT is_teacher
"""
_IN_SERVICE = "users.is_enabled AND users.key IN (SELECT user FROM roles)"
_TEACHERS_OF_SECTION = f"""
SELECT DISTINCT users.id FROM enrollments JOIN users ON users.key = enrollments.user
WHERE class = ? AND is_teacher AND {_IN_SERVICE} ORDER BY users.id
"""  # noqa: S608  # no text from outside
_TEACHERS = f"SELECT key, id, given_name, family_name, email, numbers FROM users WHERE {_IN_SERVICE}"  # noqa: S608
_SCHOOLS_OF_TEACHER = """
SELECT DISTINCT orgs.id FROM enrollments JOIN temp.sections USING (class) JOIN orgs ON orgs.key = sections.school
WHERE user = ? AND is_teacher ORDER BY orgs.id
"""
_TOO_LARGE = f"""
SELECT 1 FROM enrollments WHERE NOT is_teacher GROUP BY class HAVING count(*) > {_MOST_STUDENTS}
UNION SELECT 1 FROM temp.sections GROUP BY school HAVING count(*) > {_MOST_SECTIONS}
"""  # noqa: S608


@functools.lru_cache(maxsize=4096)  # a section's id comes with each of its students
def key(sourced_id: str) -> int:
    """What stands for an id in the tables. That two of a nation's ids share one has odds of one in ten million."""
    return int.from_bytes(hashlib.blake2b(sourced_id.encode(), digest_size=8).digest(), "big", signed=True)


class RosterTables:
    """The tables in one file, for one thread; made there unless an earlier import has.

    Raises BundleRefused when the file is of another format, or closed: what has come since can only be told from a new
    bulk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
        )
        [[found]] = self._connection.execute("PRAGMA user_version")
        if found not in {0, _FORMAT}:
            raise BundleRefused(Reason.DELTA_WITHOUT_BULK)
        if found == 0:
            self._create()
        self._connection.execute("CREATE TEMP TABLE seen (key INTEGER PRIMARY KEY)")
        self._connection.execute("CREATE TEMP TABLE sections (class INTEGER PRIMARY KEY, school INTEGER)")

    def close(self) -> None:
        self._connection.close()

    def close_to_deltas(self) -> None:
        """The rows have no ids that a delta could name."""
        self._connection.execute(f"PRAGMA user_version = {_FOR_GOOD}")

    def begin(self, table: str, *, anew: bool) -> None:
        """From here on come the rows of one file: all there are, or those that have changed."""
        self._connection.execute("DELETE FROM seen")
        self._connection.execute("BEGIN")
        if anew:
            for index in _BULK_INDEXES:
                self._connection.execute(f"DROP INDEX IF EXISTS {index}")
            self._connection.execute(f"DROP INDEX IF EXISTS {table}_key")
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608
            self._connection.execute("DELETE FROM gone WHERE file = ?", (table,))
        else:
            self._index(table)

    def end(self, table: str) -> None:
        """All rows of the file have come."""
        self._connection.execute("COMMIT")
        self._connection.execute("DELETE FROM seen")
        self._index(table)

    def is_new(self, row_key: int) -> bool:
        """Whether the file had no row with this key yet; it has one now."""
        return self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (row_key,)).rowcount == 1

    def add(self, table: str, row_key: int, modified: str, values: tuple[Any, ...]) -> None:
        """Keep a row whose key the table has not."""
        places = ", ".join("?" * (2 + len(values)))
        self._connection.execute(f"INSERT INTO {table} VALUES ({places})", (row_key, modified, *values))  # noqa: S608

    def remove(self, table: str, row_key: int) -> None:
        """Forget a row; nothing happens when there is none."""
        self._connection.execute(f"DELETE FROM {table} WHERE key = ?", (row_key,))  # noqa: S608

    def remember_gone(self, table: str, row_key: int, modified: str) -> None:
        """A row is no longer there since that time."""
        self._connection.execute("INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", (table, row_key, modified))

    def modified(self, table: str, row_key: int) -> str:
        """When a row, or that it is gone, was last told by a delta; empty for what no delta has told of."""
        there = self._connection.execute(f"SELECT modified FROM {table} WHERE key = ?", (row_key,))  # noqa: S608
        gone = self._connection.execute("SELECT modified FROM gone WHERE file = ? AND key = ?", (table, row_key))
        return max((modified for [modified] in (*there, *gone)), default="")

    def stored(self, table: str, row_key: int) -> tuple[Any, ...] | None:
        """The values of a row."""
        row = self._connection.execute(f"SELECT * FROM {table} WHERE key = ?", (row_key,)).fetchone()  # noqa: S608
        return None if row is None else tuple(row[2:])

    def keys(self, table: str, where: str = "TRUE") -> "Keys":
        """Those of all rows of a table."""
        return Keys(self._connection.execute(f"SELECT key FROM {table} WHERE {where} ORDER BY key"))  # noqa: S608

    def settle(self, today: date) -> None:
        """Find the sections of the year in force, which the methods below read, and forget the roles and enrolments
        that have ended before it has. Raises BundleRefused."""
        self._connection.executescript(_INDEXES)
        year_ends, terms = self._year_in_force()
        for table in ("roles", "enrollments"):
            over = f"DELETE FROM {table} WHERE ends <> '' AND ends <= ? AND ends < ?"  # noqa: S608
            self._connection.execute(over, (today.isoformat(), year_ends))
        classes = self._connection.execute(_CLASSES)
        in_force = [(row[0], row[1]) for row in classes if not terms.isdisjoint(row[2].split(","))]
        self._connection.execute("DELETE FROM temp.sections")
        self._connection.executemany("INSERT INTO temp.sections VALUES (?, ?)", in_force)
        if self._connection.execute(_TOO_LARGE).fetchone():
            raise BundleRefused(Reason.SECTION_TOO_LARGE, "enrollments.csv")

    def school_ids(self) -> Iterator[str]:
        """The schools with a section in force, in the order of their ids."""
        return (row[0] for row in self._connection.execute(_SCHOOLS))

    def school(self, school_id: str) -> StoredSchool:
        """A school with all of its sections and their students."""
        school_key = key(school_id)
        sections = [self._section(*row) for row in self._connection.execute(_SECTIONS, (school_key,)).fetchall()]
        in_order = sorted(sections, key=lambda taught: (taught.section.code, taught.section.id))
        code, name, department, municipality = map(
            clean_name, self._connection.execute(_SCHOOL, (school_key,)).fetchone()
        )
        return StoredSchool(School(school_id, code, name, department, municipality), tuple(in_order))

    def teachers(self) -> Iterator[StoredTeacher]:
        """All teachers in service, in the order of their ids."""
        return map(self._teacher, self._connection.execute(f"{_TEACHERS} ORDER BY id"))

    def teacher(self, teacher_id: str) -> StoredTeacher:
        """One of them."""
        return self._teacher(self._connection.execute(f"{_TEACHERS} AND key = ?", (key(teacher_id),)).fetchone())

    def _teacher(self, row: tuple[Any, ...]) -> StoredTeacher:
        teacher_key, teacher_id, given_name, family_name, email, numbers = row
        schools = self._connection.execute(_SCHOOLS_OF_TEACHER, (teacher_key,))
        teacher = teacher_of(teacher_id, given_name, family_name, email)
        return StoredTeacher(teacher, numbers, tuple(school_id for (school_id,) in schools))

    def _section(
        self, class_key: int, class_id: str, code: str, name: str, grade: str | None, shift: str, is_open: int
    ) -> TaughtSection:
        rows = self._connection.execute(_STUDENTS, (class_key,))
        students = class_list(
            student_of(student_id, nie, given_names, surnames, email, Enrolment.ACTIVE)
            for student_id, nie, given_names, surnames, email in rows
        )
        teachers = tuple(row[0] for row in self._connection.execute(_TEACHERS_OF_SECTION, (class_key,)))
        code, name, grade, shift = map(clean_name, (code, name, grade or "", shift))
        section = Section(class_id, code, name, grade, shift, bool(is_open), len(students))
        return TaughtSection(section, teachers, version_of(students), students)

    def _year_in_force(self) -> tuple[str, set[str]]:
        """When the latest school year with sections ends, and the ids of it and of all terms within it."""
        rows = self._connection.execute("SELECT id, type, start, ends, parent FROM academicSessions").fetchall()
        years = [(start, session_id, ends) for session_id, kind, start, ends, _ in rows if kind == "schoolYear"]
        taught = {term for (terms,) in self._connection.execute(_TERMS) for term in terms.split(",")}
        if not years and taught:
            raise BundleRefused(Reason.NO_SCHOOL_YEAR, "academicSessions.csv")
        if not years:
            return "", set()
        within = {session_id: _within(session_id, rows) for _, session_id, _ in years}
        _, year_id, ends = max(years, key=lambda year: (not taught.isdisjoint(within[year[1]]), year))
        return ends, within[year_id]

    def _create(self) -> None:
        tables = (f"CREATE TABLE {name} (key, modified, {columns});" for name, columns in _COLUMNS.items())
        self._connection.executescript("".join(tables) + f"{_GONE} PRAGMA user_version = {_FORMAT};")

    def _index(self, table: str) -> None:
        self._connection.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_key ON {table} (key)")


def _within(year_id: str, sessions: Iterable[tuple[str, ...]]) -> set[str]:
    terms = {year_id}
    while more := {session_id for session_id, *_, parent in sessions if parent in terms} - terms:
        terms |= more
    return terms


class Keys:
    """A set of keys in eight bytes each."""

    def __init__(self, rows: Iterable[tuple[int]]) -> None:
        self._sorted = array("q", (row[0] for row in rows))

    def __contains__(self, row_key: int) -> bool:
        place = bisect_left(self._sorted, row_key)
        return place < len(self._sorted) and self._sorted[place] == row_key
