"""Signatures: what receivers check is refused for every other body, secret and time."""

from __future__ import annotations

import pytest

from shoal.activate.sign import sign, verify_signature

AT = 1_700_000_000
GOOD = sign("whsec", b"body", AT)


@pytest.mark.parametrize("now", [AT, AT + 300, AT - 300])
def test_within_five_minutes_it_is_good(now: int) -> None:
    assert verify_signature("whsec", GOOD, b"body", now)


def test_one_of_several_signatures_is_enough() -> None:
    other = sign("old", b"body", AT).partition(",")[2]
    assert verify_signature("whsec", f"{GOOD}, {other}", b"body", AT)
    assert verify_signature("old", f"{GOOD}, {other}", b"body", AT)


@pytest.mark.parametrize(
    "header",
    ["", "t=", GOOD[:-1], GOOD + "0", GOOD.replace("v1", "v0"), GOOD.partition(",")[2], f"t={AT + 1},{GOOD}",
     GOOD.replace(str(AT), str(AT + 1)), f"t={AT},v1=", "t=\u0661,v1=aa", "t=ab,v1=aa", "\ud800"],
)  # fmt: skip
def test_a_header_that_was_changed_is_refused(header: str) -> None:
    assert not verify_signature("whsec", header, b"body", AT)


@pytest.mark.parametrize(
    ("secret", "body", "now"), [("other", b"body", AT), ("whsec", b"body ", AT), ("whsec", b"body", AT + 301)]
)
def test_another_secret_body_or_time_is_refused(secret: str, body: bytes, now: int) -> None:
    assert not verify_signature(secret, GOOD, body, now)
