"""The sections of the sample as the tables of OneRoster 1.2.

What OneRoster has no column for stands rightmost, as `metadata.sv.*`.
"""

from collections.abc import Iterable, Sequence

from infra.local.sample.cases import Learner
from infra.local.sample.layout import GRADES, SCHOOLS, TEACHERS, YEAR, TeacherPlan
from infra.local.sample.rosters import Section

HEADERS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId,"
    "metadata.sv.departamento,metadata.sv.municipio",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    "subjectCodes",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods,metadata.sv.jornada,metadata.sv.estado",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,"
    "preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate,metadata.sv.estado",
}
# All files that OneRoster knows, in the order of its manifest.
ALL_FILES = (  # noqa: SIM905  # as a list it would fill a page
    "academicSessions categories classes classResources courses courseResources demographics enrollments "
    "lineItemLearningObjectiveIds lineItems lineItemScoreScales orgs resources resultLearningObjectiveIds results "
    "resultScoreScales roles scoreScales userProfiles userResources users"
).split()
MINISTRY = "mineducyt"

Row = dict[str, str]


def manifest() -> list[Row]:
    """The bundle's table of contents, in the order of the specification."""
    properties = {
        "manifest.version": "1.0",
        "oneroster.version": "1.2",
        **{f"file.{name}": "bulk" if name in HEADERS else "absent" for name in ALL_FILES},
        "source.systemName": "SIGES (datos sintéticos)",
        "source.systemCode": "SIGES",
    }
    return [{"propertyName": name, "value": value} for name, value in properties.items()]


def tables(sections: Sequence[Section]) -> dict[str, list[Row]]:
    """The rows of each file; columns that a row leaves out are empty."""
    return {
        "academicSessions": [_year(YEAR), _year(YEAR - 1)],
        "orgs": _orgs(),
        "courses": _courses(sections),
        "classes": [_class(section) for section in sections],
        "users": [*_teachers(), *_students(sections)],
        "roles": _roles(sections),
        "enrollments": [*_assignments(sections), *_enrolments(sections)],
    }


def teacher_id(index: int) -> str:
    return f"doc-{index + 1:04d}"


def student_id(learner: Learner) -> str:
    return f"est-{learner.number:06d}"


def _org_id(school: str) -> str:
    return f"ce-{school}"


def _year_id(year: int) -> str:
    return f"ano-{year}"


def _year(year: int) -> Row:
    return {
        "sourcedId": _year_id(year),
        "title": f"Año lectivo {year}",
        "type": "schoolYear",
        "startDate": f"{year}-02-02",
        "endDate": f"{year}-11-13",
        "schoolYear": str(year),
    }


def _orgs() -> list[Row]:
    ministry = {"sourcedId": MINISTRY, "name": "Ministerio de Educación", "type": "national"}
    schools = [
        {
            "sourcedId": _org_id(code),
            "name": name,
            "type": "school",
            "identifier": code,
            "parentSourcedId": MINISTRY,
            "metadata.sv.departamento": department,
            "metadata.sv.municipio": municipality,
        }
        for code, (name, department, municipality) in SCHOOLS.items()
    ]
    return [ministry, *schools]


def _courses(sections: Iterable[Section]) -> list[Row]:
    courses = {
        section.course_id: {
            "sourcedId": section.course_id,
            "schoolYearSourcedId": _year_id(section.year),
            "title": section.grade,
            "courseCode": GRADES[section.grade],
            "grades": GRADES[section.grade],
            "orgSourcedId": _org_id(section.school),
        }
        for section in sections
    }
    return list(courses.values())


def _class(section: Section) -> Row:
    return {
        "sourcedId": section.id,
        "title": section.name,
        "grades": GRADES[section.grade],
        "courseSourcedId": section.course_id,
        "classCode": f"{section.school}-{section.number:03d}",
        "classType": "homeroom",
        "schoolSourcedId": _org_id(section.school),
        "termSourcedIds": _year_id(section.year),
        "metadata.sv.jornada": section.shift,
        "metadata.sv.estado": section.state,
    }


def _teachers() -> list[Row]:
    return [_teacher(index, plan) for index, plan in enumerate(TEACHERS)]


def _teacher(index: int, plan: TeacherPlan) -> Row:
    return {
        "sourcedId": teacher_id(index),
        "enabledUser": "true",
        "username": plan.local_part,
        "userIds": f"{{DUI:{plan.stored_dui or plan.dui}}},{{NIP:{plan.stored_nip or plan.nip}}}",
        "givenName": plan.stored_given_names or plan.given_names,
        "familyName": plan.stored_surnames or plan.surnames,
        "email": plan.address if plan.stored_email is None else plan.stored_email,
    }


def _students(sections: Iterable[Section]) -> list[Row]:
    users = {
        student_id(learner): {
            "sourcedId": student_id(learner),
            "enabledUser": "true",
            "username": learner.nie,
            "givenName": learner.given_names,
            "familyName": learner.surnames,
            "identifier": learner.stored_nie,
            "email": learner.email,
            "grades": GRADES[section.grade],
            "primaryOrgSourcedId": _org_id(section.school),
        }
        for section in sorted(sections, key=lambda section: section.year)
        for learner in section.learners
    }
    return [users[user_id] for user_id in sorted(users)]


def _roles(sections: Sequence[Section]) -> list[Row]:
    held: dict[tuple[str, str, str], None] = {}
    for section in sections:
        held |= {(teacher_id(teacher), "teacher", _org_id(section.school)): None for teacher in section.teachers}
    for section in sections:
        held |= {(student_id(learner), "student", _org_id(section.school)): None for learner in section.learners}
    seen: set[str] = set()
    rows = []
    for number, (user, role, org) in enumerate(held, start=1):
        rows.append(
            {
                "sourcedId": f"rol-{number:06d}",
                "userSourcedId": user,
                "roleType": "secondary" if user in seen else "primary",
                "role": role,
                "orgSourcedId": org,
            }
        )
        seen.add(user)
    return rows


def _assignments(sections: Iterable[Section]) -> list[Row]:
    held = [(section, teacher) for section in sections for teacher in section.teachers]
    return [
        {
            "sourcedId": f"asg-{number:04d}",
            "classSourcedId": section.id,
            "schoolSourcedId": _org_id(section.school),
            "userSourcedId": teacher_id(teacher),
            "role": "teacher",
            "primary": str(teacher == section.teachers[0]).lower(),
        }
        for number, (section, teacher) in enumerate(held, start=1)
    ]


def _enrolments(sections: Iterable[Section]) -> list[Row]:
    made = [(section, learner, state) for section in sections for learner in section.learners
            for state in learner.enrolments]  # fmt: skip
    return [
        {
            "sourcedId": f"mat-{number:06d}",
            "classSourcedId": section.id,
            "schoolSourcedId": _org_id(section.school),
            "userSourcedId": student_id(learner),
            "role": "student",
            "beginDate": f"{section.year}-02-02",
            "endDate": "" if state == "activa" else f"{section.year}-04-20",
            "metadata.sv.estado": state,
        }
        for number, (section, learner, state) in enumerate(made, start=1)
    ]
