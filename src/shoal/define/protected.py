"""Traits that no model or rule may use unless a purpose allows it: known by the words of their names."""

from __future__ import annotations

import re

# Words and beginnings of words (DESIGN.md, section 6): what law and decency protect in most countries.
PROTECTED = frozenset(
    """
    age ages aged gender genders sex sexes race races racial religion religions religious faith nationality
    nationalities citizenship disability disabilities disabled handicap handicapped orientation senior seniors elderly
    dob pregnant pregnancy caste
    """.split()  # noqa: SIM905
)
BEGINNINGS = ("birth", "ethnic", "sexual", "marital", "marri")
# An account or a page has an age or an orientation too, and it says nothing of the person.
THINGS = frozenset(
    """
    account app basket cart cohort contract device domain file image invoice item lead list listing membership order
    page phone product profile record relationship screen session subscription tenure ticket vehicle visit
    """.split()  # noqa: SIM905
)
_OF_THINGS = frozenset({"age", "ages", "aged", "orientation", "race"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")


def words_of(name: str) -> list[str]:
    """The words that a column's name is made of, in small letters.

    >>> words_of("SeniorCitizen"), words_of("date_of-birth 2"), words_of("ageGroup35")
    (['senior', 'citizen'], ['date', 'of', 'birth'], ['age', 'group'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def is_protected(name: str) -> bool:
    """Whether a column's name speaks of a protected trait.

    >>> [name for name in ("Gender", "customer_age", "account_age", "average", "MaritalStatus") if is_protected(name)]
    ['Gender', 'customer_age', 'MaritalStatus']
    """
    words = words_of(name)
    for place, word in enumerate(words):
        if word in _OF_THINGS and place and words[place - 1] in THINGS:
            continue
        if word in PROTECTED or word.startswith(BEGINNINGS):
            return True
    return False


# What people are called by such traits; only in running text, where no column is meant.
PEOPLE = frozenset(
    """
    boys catholics caucasian caucasians christians divorced females female gay girls girl boy heterosexual hindus
    hispanic hispanics homosexual jews jewish ladies lady latina latino latinos lesbian male males man men millennials
    muslim muslims pensioners pensioner retirees retired teenager teenagers teens transgender widowed woman
    women young younger youth
    """.split()  # noqa: SIM905
)


def protected_words(text: str) -> list[str]:
    """The words of a running text that speak of a protected trait, each once.

    >>> protected_words("Young women who buy for their average order; the account age is high")
    ['young', 'women']
    """
    words = words_of(text)
    found = []
    for place, word in enumerate(words):
        of_a_thing = bool(place) and words[place - 1] in THINGS
        if word in PEOPLE or (is_protected(word) and not (word in _OF_THINGS and of_a_thing)):
            found.append(word)
    return list(dict.fromkeys(found))
