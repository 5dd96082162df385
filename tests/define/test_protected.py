"""Names of protected traits are known however they are written."""

from __future__ import annotations

import pytest

from shoal.define.protected import is_protected

WRITTEN = (
    "gender, Gender, SeniorCitizen, AGE, age_group, ageGroup, birth_year, DateOfBirth, dob, Marital, marital-status, "
    "isDisabled, ethnicGroup, Religion, sexual orientation, customer_age, sex_2"
)
OTHERS = "average, pages, usage, image, coverage, account_age, session_age_days, screen_orientation, Essex"


@pytest.mark.parametrize("name", WRITTEN.split(", "))
def test_a_protected_trait_is_known_by_any_of_its_words(name: str) -> None:
    assert is_protected(name)


@pytest.mark.parametrize("name", OTHERS.split(", "))
def test_a_name_that_only_looks_like_one_is_let_in(name: str) -> None:
    assert not is_protected(name)
