"""Only teachers of the institution come in."""

from dataclasses import replace

import pytest

from secciones.domain.errors import DirectoryUnavailable, NotATeacherAccount, SignInFailed, WrongDomain
from secciones.ports.sign_in import Identity
from secciones.services.sessions import Step
from secciones.services.sign_in import Institution, begin_sign_in, complete_sign_in
from tests.support.fakes import FakeProvider
from tests.support.world import DOMAIN, World, account

ANA = Identity("google-1", f"ana.pena.lopez@{DOMAIN}", "Ana Peña", DOMAIN, address_is_verified=True)
INSTITUTION = Institution(DOMAIN, "/Docentes", requires_two_step=False)


def sign_in(world: World, identity: Identity = ANA, code: str = "good-code") -> str:
    return complete_sign_in(
        FakeProvider(identity),
        world.directory,
        world.sessions,
        world.audit,
        INSTITUTION,
        code,
        begin_sign_in(world.ids),
    )


def place(world: World, org_unit: str) -> None:
    world.directory.accounts[ANA.address] = account(99, address=ANA.address, org_unit=org_unit)


def test_a_teacher_gets_a_session_that_has_proven_nothing_but_the_account(world: World) -> None:
    place(world, "/Docentes/Sonsonate")
    session = world.sessions.find(sign_in(world))[0]
    assert session is not None
    assert (session.address, session.subject, session.step) == (ANA.address, "google-1", Step.SIGNED_IN)
    assert world.audit.outcomes("sign_in") == ["signed_in"]


@pytest.mark.parametrize("org_unit", ["/Estudiantes/10001", "/", "/Docentes-jubilados", "/docente"])
def test_an_account_outside_the_teachers_unit_is_turned_away(world: World, org_unit: str) -> None:
    place(world, org_unit)
    with pytest.raises(NotATeacherAccount):
        sign_in(world)
    assert world.audit.outcomes("sign_in") == ["not_a_teacher"]


def test_an_account_that_the_directory_does_not_know_is_turned_away(world: World) -> None:
    with pytest.raises(NotATeacherAccount):
        sign_in(world)


@pytest.mark.parametrize(
    "identity",
    [
        replace(ANA, hosted_domain="", address="ana@gmail.com"),
        replace(ANA, hosted_domain=""),
        replace(ANA, hosted_domain="otra.edu.sv"),
        replace(ANA, address="ana@otra.edu.sv"),
        replace(ANA, address=f"ana@x{DOMAIN}"),
    ],
)
def test_another_domain_is_told_so(world: World, identity: Identity) -> None:
    place(world, "/Docentes")
    with pytest.raises(WrongDomain):
        sign_in(world, identity)


def test_an_unverified_address_proves_nothing(world: World) -> None:
    place(world, "/Docentes")
    with pytest.raises(SignInFailed):
        sign_in(world, replace(ANA, address_is_verified=False))


def test_a_code_that_google_does_not_honour_opens_no_session(world: World) -> None:
    place(world, "/Docentes")
    with pytest.raises(SignInFailed):
        sign_in(world, code="stolen")


def test_while_the_directory_is_down_nobody_is_let_in(world: World) -> None:
    place(world, "/Docentes")
    world.directory.is_down = True
    with pytest.raises(DirectoryUnavailable):
        sign_in(world)


def test_each_attempt_is_unlike_any_other(world: World) -> None:
    first, second = begin_sign_in(world.ids), begin_sign_in(world.ids)
    assert len({first.state, first.nonce, first.code_verifier, second.state, second.nonce, second.code_verifier}) == 6
    assert "token" not in repr(first), "an attempt does not show itself in a log"


def test_a_session_ends_and_is_known_by_nothing_but_its_cookie(world: World) -> None:
    place(world, "/Docentes")
    cookie = sign_in(world)
    assert world.sessions.find(cookie + "x")[0] is None
    assert world.documents.get("sessions", cookie) is None, "the store does not hold the cookie's value"
    world.clock.advance(hours=1)
    assert world.sessions.find(cookie)[0] is None
