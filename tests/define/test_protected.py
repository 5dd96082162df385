"""Names of protected traits are known however they are written."""

from __future__ import annotations

import pytest

from shoal.define.protected import is_personal, is_protected

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


PERSONAL = (
    "name, Name, first_name, lastName, surname, full_name, customer_name, contact, contact_name, email, Email Address, "
    "e-mail, customerEmail, phone, phone_number, mobile_number, address, shipping_address_1, street, IBAN, salutation"
)
NOT_PERSONAL = (
    "product_name, plan_name, store_name, campaign_name, company, company_name, email_opens, email_opens_90d, "
    "share_email, has_email, PhoneService, share_device_phone, contacts, emails, emails_90d, last_contact, number, "
    "customer, billing, mobile, store_address, channel = 'email', username_changes"
)


@pytest.mark.parametrize("name", PERSONAL.split(", "))
def test_peoples_names_and_how_to_reach_them_are_personal(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", NOT_PERSONAL.split(", "))
def test_names_of_things_and_counts_of_mails_are_not_personal(name: str) -> None:
    assert not is_personal(name)
