"""Names as people in El Salvador carry them, drawn at random; nobody in particular."""

import unicodedata
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

WOMEN = """
Ana María Karla Daniela Gabriela Fátima Alejandra Xiomara Yamileth Guadalupe Beatriz Rosa Marisol Verónica Sofía
Valeria Andrea Katherine Stephanie Jacqueline Wendy Roxana Ivette Lissette Marcela Camila Nathaly Dayana Evelyn
Mónica Jazmín Estefany Rebeca Abigail Nicole Paola Mayra Sandra Reina Ingrid Tatiana Lucía Elena Saraí Noemí Emely
""".split()  # noqa: SIM905  # as a list it would fill a page
MEN = """
José Carlos Luis Juan Miguel Ángel Kevin Josué Óscar Mauricio Ernesto Alexander Rodrigo Diego Fernando Gerardo
Nelson Edwin Wilfredo Ismael Rubén Moisés Samuel Daniel Ricardo Alberto Antonio Rafael Hugo Melvin Bryan Steven
Eduardo Enrique Francisco Javier Marvin Elías Manuel Adonay Jefferson Iván Efraín Isaí Ronald Cristian Walter Abel
""".split()  # noqa: SIM905  # as a list it would fill a page
SURNAMES = """
Hernández Martínez López García Rodríguez González Pérez Ramírez Flores Rivera Vásquez Cruz Reyes Mejía Gómez Guardado
Henríquez Menjívar Portillo Alvarenga Orellana Escobar Zelaya Argueta Chicas Quintanilla Núñez Muñoz Peña Cañas
Umaña Zepeda Villalta Melgar Cornejo Ayala Castaneda Iraheta Sorto Benítez Granados Lemus Landaverde Serrano Tobar
Ascencio Barahona Calderón Deras Erazo Funes Galdámez Hándal Interiano Jovel Linares Merino Navarrete Osorio Pineda
""".split()  # noqa: SIM905  # as a list it would fill a page
COMPOUND_SURNAMES = ("de León", "de Paz", "de la O", "del Cid")


class Draw:
    """Chance that comes out the same on every Python: of its generator only random() is guaranteed to."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability


def given_names(draw: Draw) -> str:
    """One to three given names, mostly two; now and then `de los Ángeles` or `de Jesús`."""
    pool = WOMEN if draw.chance(0.5) else MEN
    first = draw.pick(pool)
    if pool is WOMEN and first == "María" and draw.chance(0.5):
        return "María de los Ángeles"
    chosen = [first]
    for probability in (0.9, 0.12):
        if draw.chance(probability):
            chosen.append(draw.pick([name for name in pool if name not in chosen]))
    return " ".join(chosen) + (" de Jesús" if draw.chance(0.02) else "")


def surnames(draw: Draw) -> str:
    """Mostly two surnames; some people have one, some three."""
    count = 1 if draw.chance(0.04) else 3 if draw.chance(0.04) else 2
    chosen = [draw.pick(COMPOUND_SURNAMES) if draw.chance(0.02) else draw.pick(SURNAMES) for _ in range(count)]
    return " ".join(chosen)


def unaccented(text: str) -> str:
    """Without accents, and n for ñ, as an old terminal stored it."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
