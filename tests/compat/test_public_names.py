"""The names that flask_mail gives to its importers."""

from __future__ import annotations

import importlib.metadata

import pytest

import flask_mail


@pytest.mark.parametrize(
    "name",
    [
        "Mail",
        "Message",
        "Attachment",
        "Connection",
        "BadHeaderError",
        "email_dispatched",
        "signals",
        "sanitize_subject",
        "sanitize_address",
        "sanitize_addresses",
        "force_text",
        "FlaskMailUnicodeDecodeError",
        "_MailMixin",
        "_Mail",
    ],
)
def test_every_name_of_0_10_is_there(name):
    """Every name that 0.10 defines can be imported from flask_mail."""
    assert hasattr(flask_mail, name)


@pytest.mark.not_in_0_10("0.9.1 had the constant PY3, which its own tests import")
def test_the_python_3_flag_of_0_9_1_is_there():
    """The constant PY3 of 0.9.1 is true."""
    assert flask_mail.PY3 is True


def test_the_version_is_there_and_deprecated():
    """Reading __version__ gives the distribution's version and warns."""
    with pytest.warns(DeprecationWarning, match="__version__"):
        version = flask_mail.__version__

    assert version == importlib.metadata.version("flask-mail")


def test_an_unknown_name_is_an_attribute_error():
    """A name that flask_mail does not have is an AttributeError, as for any module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = flask_mail.no_such_name


def test_the_signal_is_found_by_name():
    """The namespace ``signals`` gives email_dispatched under the name ``email-dispatched``."""
    assert flask_mail.signals.signal("email-dispatched") is flask_mail.email_dispatched


@pytest.mark.parametrize("name", ["Mail", "_Mail"])
def test_mail_and_its_state_share_the_mixin(name):
    """Mail and the state that it leaves with the application both are a _MailMixin."""
    assert issubclass(getattr(flask_mail, name), flask_mail._MailMixin)


def test_the_decode_error_is_a_unicode_decode_error():
    """``except UnicodeDecodeError`` catches FlaskMailUnicodeDecodeError."""
    assert issubclass(flask_mail.FlaskMailUnicodeDecodeError, UnicodeDecodeError)
