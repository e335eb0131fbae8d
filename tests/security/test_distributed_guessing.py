"""Threat: many accounts, from many addresses, guess at DUI and NIP. Guard: wrong numbers are counted before SIGES is
asked, by account, by DUI, by address and all together, and the bound owner of a DUI enters all the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from secciones.domain.errors import DocumentsUnavailable, IdentityRefused, TooManyAttempts
from secciones.domain.people import Dui, Nip
from secciones.services.sessions import Session
from secciones.services.verify_identity import VerificationRules, pseudonym, verify_identity
from tests.support.site import Pages
from tests.support.world import DOMAIN, DUI_AND_NIP, TEACHER, VERIFICATION, World

DUI, NIP = Dui.parse(DUI_AND_NIP[0]), Nip.parse(DUI_AND_NIP[1])
WRONG_NIP = Nip.parse("7654321")
HOME = "192.0.2.1"
# Each limit is looked at alone: the others are out of the way.
OPEN = VerificationRules(DOMAIN, "p" * 32, *[100_000] * 6)


def enter(world: World, subject: str = "google-1", address: str = TEACHER.address or "") -> Session:
    session = world.sessions.find(world.sessions.open(subject, address, "Ana"))[0]
    assert session is not None
    return session


def guess(
    world: World, session: Session, rules: VerificationRules, dui: Dui = DUI, nip: Nip = WRONG_NIP, address: str = HOME
) -> str:
    """What becomes of one attempt."""
    try:
        verify_identity(
            world.registry,
            world.documents,
            world.sessions,
            world.audit,
            world.clock,
            rules,
            session,
            dui,
            nip,
            address,
        )
    except IdentityRefused:
        return "refused"
    except TooManyAttempts as error:
        return "locked" if error.until else "locked until unlocked"
    return "in"


def guesses_let_through(world: World, outcomes: list[str]) -> int:
    """How many guesses were made; each of them, and none of the others, has reached the registry."""
    assert world.registry.asked == outcomes.count("refused")
    assert set(outcomes[outcomes.count("refused") :]) <= {"locked", "locked until unlocked"}
    return outcomes.count("refused")


def any_dui(number: int) -> Dui:
    return Dui.parse(f"{number + 5000:09}")


def thief(world: World, number: int) -> Session:
    return enter(world, f"thief-{number}", f"thief-{number}@{DOMAIN}")


def test_one_account_has_five_guesses_in_six_hours(world: World) -> None:
    rules = replace(OPEN, account_failures_per_six_hours=VERIFICATION.account_failures_per_six_hours)
    session = thief(world, 0)
    outcomes = [guess(world, session, rules, any_dui(number), address=f"10.0.0.{number}") for number in range(9)]
    assert guesses_let_through(world, outcomes) == 5
    assert guess(world, thief(world, 0), rules) == "locked", "another session of the account"
    world.clock.advance(hours=6)
    assert guess(world, thief(world, 0), rules) == "refused"


@pytest.mark.parametrize(
    ("field", "guesses", "hours"), [("dui_failures_per_hour", 5, 1), ("dui_failures_per_day", 20, 24)]
)
def test_one_dui_has_so_many_guesses_whoever_makes_them(world: World, field: str, guesses: int, hours: int) -> None:
    rules = replace(OPEN, **{field: guesses})  # type: ignore[arg-type]
    assert getattr(VERIFICATION, field) == guesses
    outcomes = [guess(world, thief(world, number), rules, address=f"10.0.0.{number}") for number in range(guesses + 4)]
    assert guesses_let_through(world, outcomes) == guesses
    assert guess(world, thief(world, 99), rules, any_dui(1)) == "refused", "another DUI"
    world.clock.advance(hours=hours)
    assert guess(world, thief(world, 98), rules) == "refused"


def test_after_a_hundred_guesses_a_dui_is_locked_until_an_operator_unlocks_it(
    world: World, log_lines: list[dict[str, str]]
) -> None:
    """Slowly, over months, so that no other limit is ever met."""
    outcomes = []
    for number in range(104):
        outcomes.append(guess(world, thief(world, number), VERIFICATION, address=f"10.0.0.{number}"))
        world.clock.advance(hours=30)
    assert guesses_let_through(world, outcomes) == 100
    assert outcomes[-1] == "locked until unlocked"
    world.clock.advance(days=3000)
    assert guess(world, enter(world), VERIFICATION, nip=NIP) == "locked until unlocked"

    (counter,) = {line["counter"] for line in log_lines if line["severity"] == "ERROR"}
    assert counter == f"throttles/dui-total-{pseudonym(DUI, VERIFICATION.pseudonym_secret)}"
    world.documents.delete(*counter.split("/"))
    assert guess(world, enter(world), VERIFICATION, nip=NIP) == "in"


def test_the_page_of_a_dui_that_an_operator_has_to_unlock_says_so(pages: Pages) -> None:
    pages.verification = replace(OPEN, dui_failures_until_unlocked=1)
    form = {"dui": DUI.digits, "nip": "7654321"}
    assert pages.post("/secciones/identidad", pages.signed_in("thief", f"thief@{DOMAIN}"), form).status == 403
    locked = pages.post("/secciones/identidad", pages.signed_in(), form)
    assert locked.status == 429
    assert "soporte técnico" in locked.text
    assert " minuto" not in locked.text


def test_one_address_has_sixty_guesses_an_hour_and_a_whole_school_behind_it_still_enters(world: World) -> None:
    rules = replace(OPEN, address_failures_per_hour=VERIFICATION.address_failures_per_hour)
    outcomes = [guess(world, thief(world, number), rules, any_dui(number)) for number in range(300)]
    assert 30 <= outcomes.count("refused") <= 60
    assert guess(world, thief(world, 7), rules, any_dui(7), address="192.0.2.2") == "refused"

    for number in range(80):
        numbers = (any_dui(number + 500), Nip.parse(f"{number}"))
        world.registry.teachers[numbers[0].digits, numbers[1].digits] = replace(TEACHER, address=None)
        school = enter(world, f"teacher-{number}", f"teacher-{number}@{DOMAIN}")
        assert guess(world, school, rules, *numbers, address="192.0.2.3") == "in"
    world.clock.advance(hours=1)
    assert guess(world, thief(world, 1), rules, any_dui(1)) == "refused"


def test_all_accounts_together_run_into_the_brake_and_an_operator_is_called(
    world: World, log_lines: list[dict[str, str]]
) -> None:
    rules = replace(OPEN, all_failures_per_hour=128)
    outcomes = [
        guess(world, thief(world, number), rules, any_dui(number), address=f"10.0.{number // 250}.{number % 250}")
        for number in range(600)
    ]
    assert 64 <= outcomes.count("refused") <= 128
    assert outcomes[-1] == "locked"
    assert any("must be guessing" in line["message"] for line in log_lines if line["severity"] == "ERROR")


def test_no_document_is_written_by_everybody(world: World) -> None:
    """The counters that many accounts share are kept in parts, so that they do not wait for one another's writes."""
    for number in range(256):
        guess(world, thief(world, number), OPEN, any_dui(number))
    written = {key: counter["attempts"] for key, counter in counters(world).items()}
    assert max(count for key, count in written.items() if key.startswith("all-")) < 256 / 16
    assert max(written.values()) < 256 / 2


def counters(world: World) -> dict[str, dict[str, int]]:
    return dict(world.documents.query("throttles", {}, "attempts", 10_000))


def test_the_bound_owner_enters_through_every_limit_that_strangers_have_used_up(world: World) -> None:
    tight = VerificationRules(DOMAIN, "p" * 32, 5, 5, 20, 5, 4, 64)
    assert guess(world, enter(world), tight, nip=NIP) == "in"
    for number in range(200):
        guess(world, thief(world, number), tight)
    assert guess(world, thief(world, 500), tight, any_dui(1)) == "locked", "the address is"
    assert guess(world, enter(world), tight, nip=NIP) == "in"


def test_the_bound_owners_account_is_no_way_round_the_limits(world: World) -> None:
    """Whoever has stolen the account has five guesses in six hours, as with any other."""
    assert guess(world, enter(world), VERIFICATION, nip=NIP) == "in"
    world.registry.asked = 0
    assert guesses_let_through(world, [guess(world, enter(world), VERIFICATION) for _ in range(8)]) == 5


def test_a_guess_is_counted_before_the_registry_is_asked(world: World) -> None:
    """Fails when counting waits for the answer: then all that are under way at once are let through."""
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(
            pool.map(lambda number: guess(world, thief(world, number), VERIFICATION), range(20)),
        )
    assert world.registry.asked == outcomes.count("refused") == VERIFICATION.dui_failures_per_hour


def test_without_its_counters_nobody_is_let_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise DocumentsUnavailable

    session = enter(world)
    monkeypatch.setattr(world.documents, "transact", down)
    with pytest.raises(DocumentsUnavailable):
        guess(world, session, VERIFICATION, nip=NIP)
    assert world.registry.asked == 0


def test_the_right_numbers_of_ones_own_do_not_wash_guesses_away(world: World) -> None:
    own = (any_dui(1), Nip.parse("1"))
    world.registry.teachers[own[0].digits, own[1].digits] = replace(TEACHER, address=None)
    outcomes = []
    for _ in range(10):
        outcomes.append(guess(world, thief(world, 0), VERIFICATION, any_dui(9)))
        guess(world, thief(world, 0), VERIFICATION, *own)
    assert outcomes.count("refused") == VERIFICATION.account_failures_per_six_hours


# The address of the client


def guesses_from(pages: Pages, forwarded: list[str]) -> list[int]:
    """The statuses of a guess from each of these X-Forwarded-For headers, each by another account."""
    return [
        pages.post(
            "/secciones/identidad",
            pages.signed_in(f"thief-{number}", f"thief-{number}@{DOMAIN}"),
            {"dui": any_dui(number).digits, "nip": "1"},
            **{"X-Forwarded-For": header},
        ).status
        for number, header in enumerate(forwarded)
    ]


def test_a_forged_x_forwarded_for_changes_nothing(pages: Pages) -> None:
    """What a client writes into the header comes before what the load balancer appends."""
    pages.verification = replace(OPEN, address_failures_per_hour=4)
    forged = [f"203.0.113.{number}, 10.0.0.{number}, 198.51.100.7, 35.191.0.1" for number in range(40)]
    assert guesses_from(pages, forged).count(403) <= 4
    assert guesses_from(pages, ["198.51.100.8, 35.191.0.1"]) == [403], "another client"


def test_a_client_with_a_whole_network_of_ipv6_is_one_client(pages: Pages) -> None:
    pages.verification = replace(OPEN, address_failures_per_hour=4)
    assert guesses_from(pages, [f"2001:db8:1:2::{number:x}, 35.191.0.1" for number in range(40)]).count(403) <= 4


@pytest.mark.parametrize("header", ["", "198.51.100.7", "nonsense, 35.191.0.1", ", ,", "1" * 5000 + ", x"])
def test_whoever_comes_without_an_address_is_one_client(pages: Pages, header: str) -> None:
    pages.verification = replace(OPEN, address_failures_per_hour=4)
    assert guesses_from(pages, [header] * 40).count(403) <= 4


def test_addresses_are_kept_as_keyed_hashes_alone(pages: Pages) -> None:
    assert guesses_from(pages, ["198.51.100.77, 35.191.0.1"]) == [403]
    kept = json.dumps(list(counters(pages.world))) + repr(counters(pages.world))
    kept += repr(pages.world.audit.events)
    assert "address-" in kept
    assert "198.51.100.77" not in kept

    other_key = replace(pages.verification, pseudonym_secret="q" * 32)
    pages.verification = other_key
    guesses_from(pages, ["198.51.100.77, 35.191.0.1"])
    hashes = {key.split("-")[1] for key in counters(pages.world) if key.startswith("address-")}
    assert len(hashes) == 2, "it depends on the key"


def test_counters_end_with_their_windows(world: World) -> None:
    guess(world, thief(world, 0), VERIFICATION)
    world.clock.advance(days=2)
    assert [key for key in counters(world) if not key.startswith("dui-total-")] == []
    world.clock.advance(days=400)
    assert counters(world) == {}
