"""Derived passwords: the same for the same accounts for ever, different for different ones, and of even chances."""

import hashlib
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain import passwords
from secciones.domain.passwords import PASSWORD_VERSION, derive_passwords
from secciones.domain.words import WORDS

SEED = bytes(range(32))
SEEDS = st.binary(min_size=32, max_size=32)
IDS = st.sets(st.text(min_size=1, max_size=30), max_size=40)


def test_version_1_is_frozen() -> None:
    derived = derive_passwords(SEED, ["103245678901234567890", "103245678901234567891", "ñandú"], version=1)
    assert derived == {
        "103245678901234567890": "panel-rinde-662238",
        "103245678901234567891": "marco-apaga-435882",
        "ñandú": "radar-pausa-885792",
    }


def test_a_whole_batch_of_version_1_is_frozen() -> None:
    derived = derive_passwords(bytes(32), (f"account-{number}" for number in range(1000)), version=1)
    text = "\n".join(f"{account_id} {password}" for account_id, password in sorted(derived.items()))
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "cef0b36ac7cd01b1a42cac004100f2c6662da288a5426a3d3937e3f89c4cc045"
    )


def test_new_batches_get_the_version_that_is_frozen_here() -> None:
    assert PASSWORD_VERSION == 1
    assert derive_passwords(SEED, ["a"]) == derive_passwords(SEED, ["a"], version=1)


@given(SEEDS, IDS)
def test_each_account_has_two_different_words_and_six_digits_without_0_and_1(seed: bytes, ids: set[str]) -> None:
    derived = derive_passwords(seed, ids)
    assert set(derived) == ids
    for password in derived.values():
        assert re.fullmatch(r"[a-z]{4,5}-[a-z]{4,5}-[2-9]{6}", password)
        first, second, _ = password.split("-")
        assert first != second
        assert {first, second} <= set(WORDS)


@given(SEEDS, IDS)
def test_the_set_of_accounts_decides_not_their_order_nor_how_often_they_are_named(seed: bytes, ids: set[str]) -> None:
    derived = derive_passwords(seed, sorted(ids))
    assert derive_passwords(seed, sorted(ids, reverse=True) * 2) == derived


@given(SEEDS, IDS)
def test_no_two_accounts_of_a_batch_share_a_password(seed: bytes, ids: set[str]) -> None:
    assert len(set(derive_passwords(seed, ids).values())) == len(ids)


@given(SEEDS, SEEDS)
def test_another_seed_gives_other_passwords(one: bytes, other: bytes) -> None:
    same = derive_passwords(one, ["a", "b"]) == derive_passwords(other, ["a", "b"])
    assert same == (one == other)


def test_of_two_accounts_that_collide_the_later_one_gets_another_password(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two words leave so few passwords that some of these accounts must collide.
    monkeypatch.setattr(passwords, "_WORDS_OF_VERSION", {1: ("gato", "nube")})
    ids = [f"{number:04}" for number in range(3000)]
    alone = {account_id: derive_passwords(SEED, [account_id])[account_id] for account_id in ids}
    together = derive_passwords(SEED, ids)
    moved = [account_id for account_id in ids if together[account_id] != alone[account_id]]
    assert moved
    assert len(set(together.values())) == len(ids)
    for account_id in moved:
        assert alone[account_id] in {together[earlier] for earlier in ids if earlier < account_id}


def test_words_and_digits_have_even_chances() -> None:
    derived = derive_passwords(bytes(32), (str(number) for number in range(6000))).values()
    parts = [password.split("-") for password in derived]
    words = Counter(word for first, second, _ in parts for word in (first, second))
    assert chi_square(words, len(WORDS)) < 1.15
    for place in range(6):
        assert chi_square(Counter(digits[place] for _, _, digits in parts), 8) < 3
    halves = Counter(first < second for first, second, _ in parts)
    assert abs(halves[True] - halves[False]) < 300


def test_no_word_is_favoured_for_being_at_the_beginning_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of 65,536 numbers a plain remainder would give the first third of 49,152 words twice the chance of the others.
    monkeypatch.setattr(passwords, "_WORDS_OF_VERSION", {1: tuple(f"{number:05}" for number in range(49152))})
    derived = derive_passwords(SEED, (str(number) for number in range(2000))).values()
    words = [int(word) for password in derived for word in password.split("-")[:2]]
    assert sum(word < 16384 for word in words) / len(words) == pytest.approx(1 / 3, abs=0.03)


def chi_square(counts: Counter[str], kinds: int) -> float:
    """The statistic for a degree of freedom: about 1 for even chances."""
    expected = counts.total() / kinds
    missing = kinds - len(counts)
    return (sum((count - expected) ** 2 / expected for count in counts.values()) + missing * expected) / (kinds - 1)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_of_another_length_is_refused(seed: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive_passwords(seed, ["a"])


@pytest.mark.parametrize("version", [0, 2, -1])
def test_an_unknown_version_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="version"):
        derive_passwords(SEED, ["a"], version)


def test_no_accounts_need_no_passwords() -> None:
    assert derive_passwords(SEED, []) == {}
