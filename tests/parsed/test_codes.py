"""The verification code of an email."""

from __future__ import annotations

import re

import pytest

from flask_mail.parsed import NoSingleMatch


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your code is 482913.", "482913"),
        ("Your code: 4829", "4829"),
        ("482 913 is your Shop verification code", "482913"),
        ("Use this code within 30 minutes:\n\n  4829-1371\n", "4829-1371"),
        ("Your code is G-482913.", "G-482913"),
        ("Code: X7K9QP", "X7K9QP"),
        ("Your PIN:\n**5512** - do not tell anyone", "5512"),
        ("Order #48213 of 2026-11-22 for 1200.50 EUR.\nYour code is 9921.", "9921"),
        ("Call +49 30 123456.\nhttps://x.org/code/1234567\nann1234@x.org\nYour code is 9921.", "9921"),
        ("Your code of 2026 is 482913", "482913"),
        ("To log in, enter 482913.", "482913"),
        ("482913\n\n(c) 2026 The Shop, 10115 Berlin", "482913"),
        ("Su código es 482913", "482913"),
    ],
)
def test_code(write, text, found):
    """The code is found by standing alone, or by the words around it."""
    assert write(text).code() == found


def test_code_in_html(write):
    """The code is found in what the html shows."""
    assert (
        write(html="<style>p { color: #112233 }</style><h1>Your code</h1><p><b>482 913</b></p>").code()
        == "482913"
    )


def test_code_by_a_pattern(write):
    """A pattern says what the code is, by its first group if it has one."""
    email = write("Ticket AB-12, seat 7c.")

    assert email.code(r"[A-Z]{2}-\d\d") == "AB-12"
    assert email.code(re.compile(r"seat (\w+)")) == "7c"


def test_several_codes(write):
    """If there are several codes, the error lists them: which is meant has to be said."""
    email = write("Your code is 482913.", "<p>Your code is 482914.</p>")

    with pytest.raises(NoSingleMatch) as caught:
        email.code()

    assert str(caught.value) == "expected one code, the email has 2 of them:\n  482913\n  482914"
    assert caught.value.found == ["482913", "482914"]


def test_no_code(write):
    """If there is no code, the error says so."""
    with pytest.raises(NoSingleMatch, match=r"^expected one code, the email has no code at all$"):
        write("Hi").code()


def test_no_code_by_a_pattern(write):
    """If nothing is like the pattern, the error shows the pattern."""
    with pytest.raises(NoSingleMatch) as caught:
        write("Hi").code(r"\d{6}")

    assert str(caught.value) == r"expected one code like '\\d{6}', the email has no code at all"
