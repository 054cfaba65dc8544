"""The names of the module flask_mail that nobody documented, and that programs import or patch."""

from __future__ import annotations

import email.utils
import subprocess
import sys
from contextlib import contextmanager
from contextlib import ExitStack
from unittest import mock

import pytest

import flask_mail
from flask_mail import Mail
from flask_mail import Message

#: What ``flask_mail.py`` of 0.9.1 binds at its top level, imports included.
OF_0_9_1 = {
    "Attachment", "BadHeaderError", "Connection", "FlaskMailUnicodeDecodeError", "Header", "MIMEBase",
    "MIMEMultipart", "MIMEText", "Mail", "Message", "PY3", "PY34", "_Mail", "_MailMixin", "__version__",
    "_has_newline", "blinker", "charset", "contextmanager", "current_app", "email_dispatched",
    "encode_base64", "force_text", "formataddr", "formatdate", "make_msgid", "message_policy", "parseaddr",
    "policy", "re", "sanitize_address", "sanitize_addresses", "sanitize_subject", "signals", "smtplib",
    "string_types", "sys", "text_type", "time", "unicodedata", "with_statement",
}  # fmt: skip
#: What ``flask_mail/__init__.py`` of 0.10.0 binds at its top level, but for type checkers.
OF_0_10 = {
    "Attachment", "BadHeaderError", "Connection", "Flask", "FlaskMailUnicodeDecodeError", "Header",
    "MIMEBase", "MIMEMultipart", "MIMEText", "Mail", "Message", "TracebackType", "_Mail", "_MailMixin",
    "__getattr__", "_has_newline", "annotations", "blinker", "c", "charset", "contextmanager", "current_app",
    "email_dispatched", "encode_base64", "force_text", "formataddr", "formatdate", "guess_type", "make_msgid",
    "parseaddr", "policy", "re", "sanitize_address", "sanitize_addresses", "sanitize_subject", "signals",
    "smtplib", "t", "time", "unicodedata", "warnings",
}  # fmt: skip
#: Of 0.9.1 only, which 0.10.0 has not.
GONE = ["PY3", "PY34", "message_policy", "string_types", "sys", "text_type", "with_statement"]
#: What it is that can be told from outside.
OBJECTS = {
    "Header": "email.header:Header",
    "MIMEBase": "email.mime.base:MIMEBase",
    "MIMEMultipart": "email.mime.multipart:MIMEMultipart",
    "MIMEText": "email.mime.text:MIMEText",
    "TracebackType": "types:TracebackType",
    "blinker": "blinker",
    "c": "collections.abc",
    "charset": "email.charset",
    "contextmanager": "contextlib:contextmanager",
    "current_app": "flask:current_app",
    "encode_base64": "email.encoders:encode_base64",
    "Flask": "flask:Flask",
    "formataddr": "email.utils:formataddr",
    "formatdate": "email.utils:formatdate",
    "guess_type": "mimetypes:guess_type",
    "make_msgid": "email.utils:make_msgid",
    "parseaddr": "email.utils:parseaddr",
    "policy": "email.policy",
    "re": "re",
    "smtplib": "smtplib",
    "t": "typing",
    "time": "time",
    "unicodedata": "unicodedata",
    "warnings": "warnings",
}

NAMES = sorted((OF_0_9_1 | OF_0_10) - set(GONE) - {"__version__"})
PATCHED = sorted({*OBJECTS, "_has_newline", "force_text", "sanitize_address", "sanitize_addresses"})


@pytest.fixture
def mail_with(make_application):
    """Return a function that makes a suppressed Mail in the context of its application."""
    with ExitStack() as stack:

        def make(**settings):
            application = make_application(**settings)
            stack.enter_context(application.app_context())
            return Mail(application)

        yield make


@pytest.fixture
def mail(mail_with):
    """A suppressed Mail."""
    return mail_with()


def resolve(path):
    """Return what is at ``module:attribute``, or the module."""
    module, _, attribute = path.partition(":")
    found = __import__(module, fromlist=["x"])
    return getattr(found, attribute) if attribute else found


def is_same(one, other):
    """Return whether they are one object; a LocalProxy says of itself that it is what is behind it."""
    return id(one) == id(other)


@contextmanager
def replace(name, new):
    """Replace what has the name by monkeypatch for a block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name, new)
        yield


@pytest.mark.parametrize("name", NAMES)
def test_is_there(name):
    """What the modules of both releases have can be imported."""
    namespace = {}

    exec(f"from flask_mail import {name}", namespace)

    assert name in namespace


@pytest.mark.not_in_0_10("0.9.1 has them")
@pytest.mark.parametrize("name", GONE)
def test_of_0_9_1_is_there(name):
    """What 0.9.1 has and 0.10 has not can be imported."""
    assert hasattr(flask_mail, name)


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_is_what_it_was(name):
    """What those modules imported is the same object as where it came from."""
    assert is_same(getattr(flask_mail, name), resolve(OBJECTS[name]))


@pytest.mark.not_in_0_10("0.9.1 has them")
def test_constants_of_0_9_1():
    """The constants have the values of Python 3."""
    assert (flask_mail.PY3, flask_mail.PY34) == (True, True)
    assert (flask_mail.string_types, flask_mail.text_type) == ((str,), str)
    assert flask_mail.message_policy.linesep == "\r\n"


@pytest.mark.parametrize(
    ("line", "expected"), [("", False), ("one line", False), ("two\nlines", True), ("two\rlines", True)]
)
def test_has_newline(line, expected):
    """_has_newline tells a text with a line break."""
    assert flask_mail._has_newline(line) is expected


@pytest.mark.parametrize("patch", [mock.patch, replace], ids=["mock", "monkeypatch"])
@pytest.mark.parametrize("name", PATCHED)
def test_can_be_patched(name, patch):
    """Within the patch it is what was put there, and after it what it was."""
    before = getattr(flask_mail, name)

    with patch(f"flask_mail.{name}", new="replaced"):
        assert getattr(flask_mail, name) == "replaced"
    assert is_same(getattr(flask_mail, name), before)


def test_nested_patches():
    """Of nested patches the inner one is seen first, then the outer one, then what it was."""
    with mock.patch("flask_mail.formatdate", new="outer"):
        with mock.patch("flask_mail.formatdate", new="inner"):
            assert flask_mail.formatdate == "inner"
        assert flask_mail.formatdate == "outer"
    assert flask_mail.formatdate is email.utils.formatdate


def test_time_of_the_module(mail):
    """A patch of flask_mail.time.time reaches the date of a message."""
    message = Message("Hi", ["ann@example.com"])

    with mock.patch("flask_mail.time.time", return_value=1_000_000_000.0):
        mail.send(message)

    assert message.date == 1_000_000_000.0


class TestMakeMsgid:
    """make_msgid, which makes the Message-IDs if it was replaced."""

    def test_mock(self, mail):
        """A message that is created within the patch has what the mock returns as Message-ID."""
        with mock.patch("flask_mail.make_msgid", return_value="<1@example.com>") as make_msgid:
            message = Message("Hi", ["ann@example.com"], "Hello.")

        make_msgid.assert_called_once_with()
        assert message.msgId == "<1@example.com>"
        assert b"<1@example.com>" in message.as_bytes()

    def test_autospec(self, mail):
        """So it is with a mock that looks like the function."""
        with mock.patch("flask_mail.make_msgid", autospec=True, return_value="<1@example.com>"):
            message = Message("Hi", ["ann@example.com"])

        assert message.msgId == "<1@example.com>"

    def test_function(self, mail, monkeypatch):
        """A function in its place makes the Message-IDs of all messages."""
        numbers = iter(["<1@example.com>", "<2@example.com>"])
        monkeypatch.setattr("flask_mail.make_msgid", lambda: next(numbers))

        messages = [Message("Hi", ["ann@example.com"]), Message("Hi", ["bob@example.com"])]

        assert [message.msgId for message in messages] == ["<1@example.com>", "<2@example.com>"]

    def test_function_of_the_program(self, mail, monkeypatch):
        """A program may put the standard library's there with a domain of its own."""
        monkeypatch.setattr(flask_mail, "make_msgid", lambda: email.utils.make_msgid(domain="shop.example"))

        assert Message("Hi", ["ann@example.com"]).msgId.endswith("@shop.example>")

    @pytest.mark.parametrize("patch", [mock.patch, replace], ids=["mock", "monkeypatch"])
    def test_after_the_patch(self, mail, patch):
        """After the patch Message-IDs are made as before."""
        with patch("flask_mail.make_msgid", new=lambda: "<1@example.com>"):
            within = Message("Hi", ["ann@example.com"])
        first, second = Message("Hi", ["ann@example.com"]), Message("Hi", ["ann@example.com"])

        assert within.msgId == "<1@example.com>"
        assert len({within.msgId, first.msgId, second.msgId}) == 3

    def test_an_error(self, mail, monkeypatch):
        """What it raises comes out of Message."""
        monkeypatch.setattr("flask_mail.make_msgid", mock.Mock(side_effect=RuntimeError("no id")))

        with pytest.raises(RuntimeError, match="no id"):
            Message("Hi", ["ann@example.com"])

    @pytest.mark.not_in_0_10("there is no message_id")
    def test_a_message_id_that_was_given(self, mail, monkeypatch):
        """It is not asked for a message that has a Message-ID."""
        monkeypatch.setattr("flask_mail.make_msgid", lambda: "<1@example.com>")

        assert Message("Hi", ["ann@example.com"], message_id="<own@example.com>").msgId == "<own@example.com>"

    @pytest.mark.not_in_0_10("there is no MAIL_MESSAGE_ID_DOMAIN")
    def test_the_same_function_is_no_replacement(self, mail_with, monkeypatch):
        """The standard library's own function in its place changes nothing."""
        mail_with(MAIL_MESSAGE_ID_DOMAIN="shop.example")
        monkeypatch.setattr(flask_mail, "make_msgid", email.utils.make_msgid)

        assert Message("Hi", ["ann@example.com"]).msgId.endswith("@shop.example>")


@pytest.mark.not_in_0_10("the modules are imported at once")
def test_nothing_is_loaded_unless_asked_for(tmp_path):
    """`import flask_mail` loads none of it, and the first name only what it needs."""
    program = (
        "import sys, flask, smtplib, flask_mail\n"
        "before = set(sys.modules)\n"
        "flask_mail.MIMEText\n"
        "print('flask_mail._compat' in before, 'email.mime.text' in before, 'email.mime.text' in sys.modules)"
    )

    # Not where this checkout is, whose flask_mail would be found.
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["False", "False", "True"]
