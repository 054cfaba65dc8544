"""A wrong option is told where it is written: its name, its value, what is expected."""

from __future__ import annotations

import inspect

import pytest

from pytest_flask_mail import SMTPServer


def test_unknown_option():
    """An option that there is not is the TypeError of every function with keywords."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'tsl'"):
        SMTPServer(tsl="starttls")


def test_signature():
    """The signature names every option, for editors; options are given by name."""
    parameters = inspect.signature(SMTPServer).parameters

    assert list(parameters)[:3] == ["tls", "cert", "auth"]
    assert {one.kind for one in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"tls": True}, "tls=True: expected one of None, 'starttls', 'starttls-optional', 'implicit'"),
        ({"tls": "ssl"}, "tls='ssl': expected one of"),
        (
            {"tls": "starttls", "cert": "good"},
            "cert='good': expected one of 'valid', 'wrong-host', 'expired'",
        ),
        ({"cert": "expired"}, "cert='expired' without TLS"),
        (
            {"auth": ("u", "p"), "auth_mechanisms": ["NTLM"]},
            "auth_mechanisms='NTLM': expected one of 'PLAIN'",
        ),
        ({"auth": ("u", "p"), "auth_mechanisms": []}, "auth_mechanisms=()"),
        ({"auth_required": True}, "auth_required=True without users"),
        ({"size": 0}, "size=0: expected at least 1"),
        ({"max_rcpt": -1}, "max_rcpt=-1: expected at least 1"),
        ({"smtputf8": True, "eight_bit": False}, "SMTPUTF8 needs 8BITMIME"),
    ],
)
def test_wrong_value(options, message):
    """A value that an option cannot have is a ValueError."""
    with pytest.raises(ValueError) as caught:
        SMTPServer(**options)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"size": "50"}, "size='50': expected a whole number"),
        ({"size": True}, "size=True: expected a whole number"),
        ({"pipelining": 1}, "pipelining=1: expected True or False"),
        ({"smtputf8": "yes"}, "smtputf8='yes': expected True or False"),
        ({"auth_required": "no", "auth": "any"}, "auth_required='no': expected True or False"),
        ({"auth": "ann"}, "auth is 'ann': expected ('user', 'password')"),
        ({"auth": 5}, "auth is a int"),
        ({"auth": {}}, "auth is a dict"),
        ({"auth": ("ann", None)}, "auth is a tuple"),
        ({"auth": {"ann": 5}}, "auth is a dict"),
    ],
)
def test_wrong_type(options, message):
    """A value of the wrong type is a TypeError."""
    with pytest.raises(TypeError) as caught:
        SMTPServer(**options)

    assert message in str(caught.value)


def test_password_is_not_told():
    """An error about users does not show their passwords."""
    with pytest.raises(TypeError) as caught:
        SMTPServer(auth=("ann", "s3cret", "more"))

    assert "s3cret" not in str(caught.value)


def test_mechanisms_in_lower_case(serve):
    """The names of mechanisms may be in lower case."""
    assert serve(auth="any", auth_mechanisms=["plain"])


def test_eight_bit_alone(serve, connect):
    """Without 8BITMIME there is no SMTPUTF8."""
    client = connect(serve(eight_bit=False))

    client.ehlo()

    assert not client.has_extn("8bitmime")
    assert not client.has_extn("smtputf8")
