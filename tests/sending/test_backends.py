"""Hosts of other backends: found by name or given as a callable, and used like the mail server."""

from __future__ import annotations

import pytest

from flask_mail import ConfigError
from flask_mail import Message
from flask_mail import Reply


class Pigeon:
    """A host that keeps what it is given, and refuses whom it is told to."""

    def __init__(self, refused=None):
        self.refused = refused
        self.sent = []
        self.quits = 0

    def sendmail(self, mail_from, rcpt_tos, content, mail_options, rcpt_options):
        self.sent.append((mail_from, rcpt_tos, content, mail_options, rcpt_options))
        return self.refused

    def quit(self):
        self.quits += 1


@pytest.fixture
def pigeon():
    """A host that refuses nobody."""
    return Pigeon()


@pytest.fixture
def mail_by(make_app):
    """Return a function that makes a Mail with a backend."""
    from flask_mail import Mail

    return lambda backend, **settings: Mail(make_app(MAIL_BACKEND=backend, **settings))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes a module, which can be imported in the test."""

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)

    return write


def test_a_callable(mail_by, pigeon, message):
    """A callable is given the settings and returns the host that takes the message."""
    seen = []

    def open_pigeon(settings):
        seen.append(settings.server)
        return pigeon

    mail_by(open_pigeon, MAIL_SERVER="loft").send(message)

    assert seen == ["loft"]
    assert pigeon.sent == [("shop@example.org", ["ann@example.org"], message.as_bytes(), [], [])]


def test_a_name(mail_by, module, message, dispatched):
    """``package.module:callable`` is imported when a connection is opened."""
    module(
        "loft",
        "def open_host(settings):\n    import smtplib\n    raise smtplib.SMTPException(settings.server)",
    )

    with pytest.raises(OSError, match="localhost"):
        mail_by("loft:open_host").send(message)


def test_one_host_a_connection(mail_by, message, two):
    """The messages of one connection go to one host, which is quit at the end."""
    hosts = []

    def open_pigeon(settings):
        hosts.append(Pigeon())
        return hosts[-1]

    with mail_by(open_pigeon).connect() as connection:
        connection.send(message)
        connection.send(two)

    assert [(len(host.sent), host.quits) for host in hosts] == [(2, 1)]


def test_recipients_are_bare(mail_by, pigeon):
    """A host is given bare addresses, without names."""
    mail_by(lambda settings: pigeon).send(Message("Hi", [("Ann, the great", "ann@example.org")]))

    assert pigeon.sent[0][1] == ["ann@example.org"]


def test_refusals(mail_by):
    """What sendmail returns is in the receipt: the refused, with code and text."""
    pigeon = Pigeon({"bob@example.org": (550, b"No such roof")})

    receipt = mail_by(lambda settings: pigeon).send(Message("Hi", ["ann@example.org", "bob@example.org"]))

    assert receipt.refused == {"bob@example.org": Reply(550, "No such roof")}
    assert receipt.accepted == ["ann@example.org"]


def test_no_answer(mail_by, pigeon, message):
    """A host that returns nothing refused nobody."""
    receipt = mail_by(lambda settings: pigeon).send(message)

    assert (receipt.sent, receipt.refused, receipt.reply) == (True, {}, None)


def test_its_errors_are_its_own(mail_by, pigeon, message, failed):
    """An exception of the host reaches the caller as itself, and is announced."""
    error = LookupError("no pigeon")

    def fail(*envelope):
        raise error

    pigeon.sendmail = fail

    with pytest.raises(LookupError) as caught:
        mail_by(lambda settings: pigeon).send(message)

    assert caught.value is error
    assert [found for _, _, found in failed] == [error]


def test_not_while_suppressed(mail_by, message):
    """While sending is suppressed no host is opened."""
    asked = []

    mail_by(asked.append, MAIL_SUPPRESS_SEND=True).send(message)

    assert asked == []


def test_its_goodbye_does_not_matter(mail_by, pigeon, message, caplog):
    """An exception of quit is logged: the message was sent."""

    def fail():
        raise LookupError("gone")

    pigeon.quit = fail

    assert mail_by(lambda settings: pigeon).send(message).sent
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_module_that_is_not_there(mail_by, message):
    """A module that cannot be found is named."""
    with pytest.raises(ConfigError) as caught:
        mail_by("no_such_loft.mail:open_host").send(message)

    assert str(caught.value) == (
        "MAIL_BACKEND is 'no_such_loft.mail:open_host', but there is no module no_such_loft."
        " Correct the name."
    )


def test_a_name_that_is_not_there(mail_by, module, message):
    """A name that the module does not have is named."""
    module("empty_loft", "")

    with pytest.raises(ConfigError) as caught:
        mail_by("empty_loft:open_host").send(message)

    assert str(caught.value) == (
        "MAIL_BACKEND is 'empty_loft:open_host', but open_host of the module empty_loft does not exist."
    )


def test_a_name_of_something_else(mail_by, module, message):
    """A name that stands for something that cannot be called is named."""
    module("strange_loft", "open_host = 'pigeon'")

    with pytest.raises(ConfigError, match="open_host of the module strange_loft is not callable"):
        mail_by("strange_loft:open_host").send(message)


def test_a_broken_module(mail_by, module, message):
    """An import that fails within the module stays visible as itself."""
    module("broken_loft", "import no_such_feather")

    with pytest.raises(ModuleNotFoundError, match="no_such_feather"):
        mail_by("broken_loft:open_host").send(message)


@pytest.mark.parametrize("returned", [None, "pigeon"])
def test_no_host(mail_by, message, returned):
    """A backend that returns no host is an error, rather than mail that nobody sends."""

    def open_pigeon(settings):
        return returned

    with pytest.raises(ConfigError) as caught:
        mail_by(open_pigeon).send(message)

    assert "open_pigeon" in str(caught.value)
    assert f"which returned a {type(returned).__name__}. Return a host:" in str(caught.value)
