"""Which schools, sections and teachers the sample has, and which flaw of real exports sits in which section."""

from dataclasses import dataclass

DOMAIN = "clases.edu.sv"
YEAR = 2026
ADMINISTRATOR = f"administracion@{DOMAIN}"
DELEGATED_ADMINISTRATOR = f"restablecimiento@{DOMAIN}"
MAIL_SENDER = f"secciones@{DOMAIN}"

GRADES = {
    "Parvularia 4": "P4",
    "Parvularia 5": "P5",
    "Parvularia 6": "P6",
    "Primer Grado": "01",
    "Segundo Grado": "02",
    "Tercer Grado": "03",
    "Cuarto Grado": "04",
    "Quinto Grado": "05",
    "Sexto Grado": "06",
    "Séptimo Grado": "07",
    "Octavo Grado": "08",
    "Noveno Grado": "09",
    "Primer Año de Bachillerato": "10",
    "Segundo Año de Bachillerato": "11",
}


@dataclass(frozen=True)
class SectionPlan:
    """`size` counts active enrolments; `cases` name the flaws (see `cases.py`) of its first students."""

    school: str
    grade: str
    name: str
    shift: str
    size: int
    teachers: tuple[int, ...]
    cases: tuple[str, ...] = ()
    state: str = "abierta"


@dataclass(frozen=True)
class PastSection:
    """A section of last year: how many of this year's `successor` were in it, and how many have left since."""

    school: str
    grade: str
    name: str
    successor: tuple[str, str]
    stayed: int
    left: int
    teachers: tuple[int, ...]


@dataclass(frozen=True)
class TeacherPlan:
    """What the registry stores (`stored_*`, flaws included) beside what is true."""

    dui: str
    nip: str
    given_names: str
    surnames: str
    local_part: str
    password: str
    note: str
    stored_dui: str = ""
    stored_nip: str = ""
    stored_given_names: str = ""
    stored_surnames: str = ""
    stored_email: str | None = None
    org_unit: str = "/Docentes"

    @property
    def address(self) -> str:
        return f"{self.local_part}@{DOMAIN}"


# code: (name, department, municipality); the places are real, the schools are not
SCHOOLS = {
    "99101": ("Complejo Educativo Profesora Rosaura Menjívar de Quintanilla", "San Salvador", "San Salvador Este"),
    "99204": ("Centro Escolar Colonia Los Izotes", "La Libertad", "La Libertad Sur"),
    "99307": ("Centro Escolar Caserío El Conacaste", "Morazán", "Morazán Norte"),
}

TEACHERS = (
    TeacherPlan(
        "045612397", "0023187", "Marta Alicia", "Guardado de Henríquez",
        "marta.guardado.henriquez", "izote-blanco-26", "dos centros educativos",
    ),
    TeacherPlan(
        "031872642", "1048276", "José Ángel Ernesto", "Muñoz Peña",
        "jose.munoz.pena", "torogoz-azul-26", "doce secciones", org_unit="/Docentes/99101",
    ),
    TeacherPlan(
        "027735414", "0930412", "Ana Guadalupe", "Rivas Ayala",
        "ana.rivas.ayala", "cafetal-verde-26", "sin secciones este año",
    ),
    TeacherPlan(
        "053390721", "2210987", "María de los Ángeles", "Argueta Chicas",
        "maria.argueta.chicas2", "conacaste-alto-26", "multigrado, escuela rural",
    ),
    TeacherPlan(
        "100000019", "0400518", "Rosa Elvira", "Núñez de Cañas",
        "rosa.nunez.canas", "maquilishuat-26", "sin correo en el registro", stored_email="",
    ),
    TeacherPlan(
        "038814073", "1705533", "Óscar Mauricio", "Zepeda Umaña",
        "oscar.zepeda.umana", "volcan-dormido-26", "DUI con dígito verificador incorrecto",
    ),
    TeacherPlan(
        "012345678", "0012345", "William Ernesto", "Beltrán Núñez",
        "william.beltran.nunez", "jocote-maduro-26", "DUI y NIP con ceros perdidos en el registro",
        stored_dui="12345678", stored_nip="12345",
        stored_given_names="WILLIAM ERNESTO", stored_surnames="BELTRAN NUNEZ",
    ),
    TeacherPlan(
        "024417805", "1933064", "Karla Beatriz Yamileth", "Mejía López Cruz",
        "karla.mejia.lopez", "pupusa-caliente-26", "datos con espacios sobrantes en el registro",
        stored_dui=" 02441780-5", stored_nip="1933064 ",
        stored_given_names="  Karla  Beatriz Yamileth", stored_surnames="Mejía López Cruz ",
        stored_email=" Karla.Mejia.Lopez@CLASES.EDU.SV ",
    ),
)  # fmt: skip

SECTIONS = (
    SectionPlan(
        "99101", "Séptimo Grado", "A", "Matutino", 34, (0, 1),
        ("same_name", "same_name_again", "upper_case", "no_address", "lost_zero", "no_account", "suspended",
         "withdrawn", "annulled"),
    ),
    SectionPlan("99101", "Séptimo Grado", "B", "Matutino", 33, (7, 1), ("never_signed_in",)),
    SectionPlan("99101", "Séptimo Grado", "C", "Vespertino", 28, (7, 1), ("withdrawn",)),
    SectionPlan("99101", "Octavo Grado", "A", "Matutino", 35, (7, 1)),
    SectionPlan("99101", "Octavo Grado", "B", "Matutino", 31, (6, 1), ("withdrawn", "no_account")),
    SectionPlan("99101", "Octavo Grado", "C", "Vespertino", 24, (7, 1)),
    SectionPlan(
        "99101", "Noveno Grado", "A", "Matutino", 32, (0, 1),
        ("malformed_address", "shares_address", "shares_address_too", "alias", "archived", "student_administrator",
         "stray_blanks", "re_enrolled", "no_address_no_account"),
    ),
    SectionPlan("99101", "Noveno Grado", "B", "Matutino", 30, (6, 1), ("suspended",)),
    SectionPlan("99101", "Noveno Grado", "C", "Vespertino", 60, (6, 1)),
    SectionPlan("99101", "Noveno Grado", "D", "Vespertino", 8, (0, 5), state="cerrada"),
    SectionPlan("99101", "Primer Año de Bachillerato", "A", "Matutino", 38, (7, 1), ("never_signed_in",)),
    SectionPlan("99101", "Primer Año de Bachillerato", "B", "Vespertino", 26, (7, 1)),
    SectionPlan("99101", "Primer Año de Bachillerato", "N", "Nocturno", 14, (5,), ("withdrawn", "withdrawn")),
    SectionPlan("99101", "Segundo Año de Bachillerato", "A", "Matutino", 30, (7, 1)),
    SectionPlan("99101", "Segundo Año de Bachillerato", "N", "Nocturno", 0, (5,), ("withdrawn", "annulled")),
    SectionPlan("99204", "Parvularia 6", "A", "Matutino", 22, (4,), ("no_account", "no_account")),
    SectionPlan("99204", "Primer Grado", "A", "Matutino", 26, (4,), ("no_account",)),
    SectionPlan("99204", "Segundo Grado", "A", "Matutino", 27, (4,)),
    SectionPlan("99204", "Tercer Grado", "A", "Matutino", 25, (4,), ("withdrawn",)),
    SectionPlan(
        "99204", "Cuarto Grado", " A ", "Vespertino", 24, (0,),
        ("no_number", "no_number_no_address", "foreign_address", "long_name"),
    ),
    SectionPlan(
        "99204", "Quinto Grado", "A", "Vespertino", 23, (0, 4),
        ("administrators_address", "teachers_address", "outside_unit", "retired_unit", "lookalike_unit"),
    ),
    SectionPlan("99307", "Parvularia 5", "Única", "Matutino", 6, (3,)),
    SectionPlan("99307", "Primer Grado", "Única", "Matutino", 9, (3,), ("no_account",)),
    SectionPlan("99307", "Segundo Grado", "Única", "Matutino", 8, (3,)),
    SectionPlan("99307", "Tercer Grado", "Única", "Matutino", 7, (3,), ("never_signed_in",)),
    SectionPlan("99307", "Sexto Grado", "Única", "Vespertino", 11, (3,)),
)  # fmt: skip

PAST_SECTIONS = (
    PastSection("99101", "Octavo Grado", "A", ("Noveno Grado", "A"), 18, 6, (2, 0)),
    PastSection("99204", "Cuarto Grado", "A", ("Quinto Grado", "A"), 15, 4, (0,)),
    PastSection("99307", "Quinto Grado", "Única", ("Sexto Grado", "Única"), 9, 2, (3,)),
)
