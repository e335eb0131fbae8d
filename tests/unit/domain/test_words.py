"""The words of the passwords: heard once, written right. The list of version 1 is frozen by its hash."""

import hashlib
import re

import pytest

from secciones.domain.words import WORDS

# How Salvadoran Spanish sounds: what a child cannot tell apart becomes the same letter. The order matters.
SOUNDS = (
    ("x", "ks"),  # taxi
    ("ch", "0"),  # a sound of its own
    ("h", ""),  # hola, ola
    ("ll", "y"),  # valla, vaya
    ("v", "b"),  # vaca, baca
    ("w", "gu"),  # web, güeb
    ("rr", "r"),  # perro, pero
    ("qu(?=[ei])", "k"),  # queso, keso
    ("gu(?=[ei])", "1"),  # guerra: not the g of gente
    ("g(?=[ei])", "j"),  # gente, jente
    ("c(?=[ei])", "s"),  # cien, sien
    ("c", "k"),  # casa, kasa
    ("1", "g"),
    ("z", "s"),  # caza, casa
    ("y$", "i"),  # rey, rei
    ("[mn](?=[^aeiou]|$)", "n"),  # campo, canpo
    ("s(?=[^aeiou])", ""),  # busca, with its s breathed: buca
    (r"(.)\1", r"\1"),  # leer, ler
)


def sound_of(word: str) -> str:
    for letters, sound in SOUNDS:
        word = re.sub(letters, sound, word)
    return word


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("casa", "caza"),
        ("cien", "sien"),
        ("vaca", "baca"),
        ("valla", "vaya"),
        ("hola", "ola"),
        ("perro", "pero"),
        ("gira", "jira"),
        ("queso", "keso"),
        ("busca", "buca"),
        ("leer", "ler"),
    ],
)
def test_words_that_sound_alike_have_one_sound_here(one: str, other: str) -> None:
    assert sound_of(one) == sound_of(other)


@pytest.mark.parametrize(("one", "other"), [("paso", "pasa"), ("moto", "mota"), ("nudo", "nodo"), ("taco", "tacho")])
def test_words_that_sound_different_have_different_sounds_here(one: str, other: str) -> None:
    assert sound_of(one) != sound_of(other)


def test_there_are_enough_words_to_make_two_of_them_twenty_bits() -> None:
    assert len(WORDS) >= 1024


def test_words_are_sorted_and_none_is_there_twice() -> None:
    assert list(WORDS) == sorted(set(WORDS))


def test_words_are_four_or_five_plain_letters() -> None:
    assert [word for word in WORDS if not re.fullmatch("[a-z]{4,5}", word)] == []


def test_no_two_words_sound_alike() -> None:
    heard: dict[str, list[str]] = {}
    for word in WORDS:
        heard.setdefault(sound_of(word), []).append(word)
    assert [words for words in heard.values() if len(words) > 1] == []


def test_every_sound_is_written_in_one_way_in_the_whole_list() -> None:
    ambiguous = re.compile(r"[kvwxz]|ll|c[ei]|g[ei]|q(?!u[ei])|(?<!c)h|aa|ee|ii|oo|uu")
    assert [word for word in WORDS if ambiguous.search(word)] == []


def test_no_word_is_what_one_says_for_a_digit_or_a_sign() -> None:
    numbers = [
        "cero",
        "uno",
        "dos",
        "tres",
        "cuatro",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "once",
        "doce",
        "doble",
        "triple",
        "par",
    ]
    signs = ["guion", "raya", "menos", "punto", "coma", "barra", "tilde", "igual", "arroba", "signo", "espacio"]
    assert set(WORDS).isdisjoint({*numbers, *signs}), "ocho guion siete guion 448629 is not written as it is meant"


def test_an_animal_or_a_person_is_there_once_not_as_male_and_female() -> None:
    pairs = ["gat", "lob", "mag", "amig", "niet", "potr", "gam", "galg", "lor", "leon", "raton", "poni", "tigr", "elf"]
    assert [stem for stem in pairs if {f"{stem}a", f"{stem}o"} <= set(WORDS) or {stem, f"{stem}a"} <= set(WORDS)] == []


def test_the_list_of_version_1_never_changes() -> None:
    digest = hashlib.sha256("\n".join(WORDS).encode()).hexdigest()
    assert digest == "23cd6b62cd3dc00974f207f964bde5477b432c5f83fa99c4fbb607327c4921f9"
