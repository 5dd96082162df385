"""Traits and personal data that no model or rule may use unless a purpose allows it: known by their names' words."""

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


# Who somebody is and how to reach them: a proxy for gender and origin that says nothing of what they do.
CALLED = frozenset(
    """
    alias apellido apellidos cellphone email fax firstname forename forenames fullname iban initials lastname
    mail middlename nachname nickname nom nombre passport phone prenom prénom salutation ssn surname surnames
    telefon telephone username vorname anrede
    """.split()  # noqa: SIM905
)
PLACED = frozenset({"address", "adresse", "street", "strasse", "straße"})
NAMES = frozenset({"name", "names"})
# Words beside them that leave them what they are; with any other word a column speaks of something else.
_PERSONS = frozenset(
    """
    attendee buyer client contact customer cust donor employee employer guest holder lead member owner patient
    payer person recipient shopper student subscriber user visitor
    """.split()  # noqa: SIM905
)
_BESIDE_NAMES = frozenset(
    "birth christian display family first full given last legal maiden middle nick nom pet sur".split()  # noqa: SIM905
)
_BESIDE_CONTACTS = frozenset(
    """
    alternate bank billing business cell default delivery e full home house invoice ip line mac main mobile my no nr
    num number postal preferred primary private residential secondary shipping work
    """.split()  # noqa: SIM905
)


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds people's names or how to reach them.

    >>> [name for name in ("Name", "customerEmail", "product_name", "email_opens", "phone_number") if is_personal(name)]
    ['Name', 'customerEmail', 'phone_number']
    """
    words = set(words_of(name))
    if words & NAMES and words <= NAMES | _PERSONS | _BESIDE_NAMES | {"billing", "shipping"}:
        return True
    if "contact" in words and words <= _PERSONS | {"primary", "main", "billing", "emergency"}:
        return True
    reached = CALLED | PLACED
    ours = reached | _PERSONS | _BESIDE_CONTACTS
    return bool(words & reached or {"mobile", "number"} <= words) and words <= ours


def barred(name: str) -> str:
    """Why a column may be no input of a model and no part of a rule that is found; empty where it may.

    >>> barred("gender"), barred("surname"), barred("store_name")
    ('a protected trait', 'personal data', '')
    """
    return "a protected trait" if is_protected(name) else "personal data" if is_personal(name) else ""


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
