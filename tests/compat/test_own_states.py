"""States that an application makes itself, and classes that share what Mail and its state can do."""

from __future__ import annotations

import types

import pytest

from flask_mail import _Mail
from flask_mail import _MailMixin
from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

ELEVEN = {
    "server",
    "username",
    "password",
    "port",
    "use_tls",
    "use_ssl",
    "default_sender",
    "debug",
    "max_emails",
    "suppress",
    "ascii_attachments",
}


class WithTimeout(_Mail):
    """A state with an attribute of its own."""

    def __init__(self, *args, timeout=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.timeout = timeout


class WithoutParent(_Mail):
    """A state that sets everything itself."""

    def __init__(self, port, suppress):
        self.server, self.port, self.suppress = "127.0.0.1", port, suppress
        self.username = self.password = self.max_emails = None
        self.use_tls = self.use_ssl = self.ascii_attachments = False
        self.default_sender, self.debug = "me@example.com", 0


class TimeoutMail(Mail):
    """A Mail whose state is made anew from that of its parent."""

    def init_mail(self, config, debug=False, testing=False):
        return WithTimeout(**vars(super().init_mail(config, debug, testing)), timeout=3)


class OwnMail(_MailMixin):
    """A class that has an application and nothing else."""

    def __init__(self, app):
        self.app = app


class Contextual(_MailMixin):
    """A class that has nothing at all."""


def make_settings(port, **others):
    """Return an object that has the eleven attributes of a state."""
    values = dict.fromkeys(ELEVEN) | {"server": "127.0.0.1", "port": port, "debug": 0} | others
    return types.SimpleNamespace(**values)


@pytest.fixture
def live_context(live):
    """The context of an application that really sends, and its Mail."""
    mail = Mail(live)
    with live.app_context():
        yield mail


def test_a_state_has_eleven_attributes(application):
    """vars() of a state has the attributes of 0.10, and nothing else."""
    Mail(application)

    assert set(vars(application.extensions["mail"])) == ELEVEN


def test_a_state_sent_with_has_eleven_attributes(live_context, live):
    """vars() of a state is the same after a message was sent."""
    live_context.send_message("Hi", ["ann@example.com"])

    assert set(vars(live.extensions["mail"])) == ELEVEN


def test_a_subclass_is_made_from_the_attributes_of_a_state(live, wire):
    """A state of a subclass with a timeout of its own is made of vars(), and sends."""
    mail = TimeoutMail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert live.extensions["mail"].timeout == 3
    assert len(wire.deliveries) == 1


def test_a_state_may_set_everything_itself(live, wire):
    """A subclass that does not call its parent's __init__ sends with what it has set."""
    Mail(live)
    live.extensions["mail"] = WithoutParent(wire.port, False)

    with live.app_context():
        Mail().send_message("Hi", ["ann@example.com"])

    assert wire.deliveries[0].mail_from == "me@example.com"


def test_a_connection_takes_any_settings(live_context, wire):
    """Connection takes any object with the eleven attributes, and sends with them."""
    with Connection(make_settings(wire.port)) as connection:
        connection.send(Message("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1


def test_a_connection_shows_the_settings_it_was_given(live_context, wire):
    """``connection.mail`` is the very object that was given."""
    settings = make_settings(wire.port)

    assert Connection(settings).mail is settings


def test_a_connection_asks_its_settings_anew(live_context, closed_port, wire):
    """What is changed in the settings counts for the next host."""
    settings = make_settings(closed_port)
    connection = Connection(settings)
    settings.port = wire.port

    with connection:
        connection.send(Message("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1


def test_settings_may_suppress(live_context, wire):
    """A connection whose settings suppress opens no host, and the message is signalled."""
    settings = make_settings(wire.port, suppress=True)

    with live_context.record_messages() as outbox, Connection(settings) as connection:
        connection.send(Message("Hi", ["ann@example.com"]))

    assert len(outbox) == 1
    assert connection.host is None and wire.sessions == []


def test_settings_limit_the_messages_of_a_session(live_context, wire):
    """``max_emails`` of the settings is the number of messages of a session."""
    with Connection(make_settings(wire.port, max_emails=1)) as connection:
        connection.send(Message("Hi", ["ann@example.com"]))
        connection.send(Message("Hi", ["bob@example.com"]))

    assert [len(session) for session in wire.sessions if session] == [1, 1]


def test_a_connection_takes_a_mail(live_context, wire):
    """Connection takes a Mail, and sends with the state of its application."""
    with Connection(live_context) as connection:
        connection.send(Message("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1


def test_an_application_may_have_any_settings(live, wire):
    """What an application keeps under "mail" may be any object with the eleven attributes."""
    mail = Mail(live)
    live.extensions["mail"] = make_settings(wire.port, default_sender="me@example.com")

    with live.app_context():
        Mail().send_message("Hi", ["ann@example.com"])

    assert mail.app is live
    assert wire.deliveries[0].mail_from == "me@example.com"


def test_a_mail_may_make_any_settings(live, wire):
    """What an overridden init_mail returns may be any object with the eleven attributes."""

    class Making(Mail):
        def init_mail(self, config, debug=False, testing=False):
            return make_settings(wire.port, default_sender="me@example.com")

    mail = Making(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert mail.state is live.extensions["mail"]
    assert len(wire.deliveries) == 1


@pytest.mark.parametrize("make", [OwnMail, lambda app: Contextual()], ids=["application", "context"])
def test_a_class_over_the_mixin_sends(live_context, live, wire, make):
    """A class over _MailMixin sends for the application that it has, or for the current one."""
    make(live).send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_a_class_over_the_mixin_connects(live_context, live):
    """A class over _MailMixin connects with the state of its application."""
    assert OwnMail(live).connect().mail is live.extensions["mail"]


def test_a_class_over_the_mixin_records(live_context, live):
    """A class over _MailMixin records what it sends."""
    mail = OwnMail(live)

    with mail.record_messages() as outbox:
        mail.send_message("Hi", ["ann@example.com"])

    assert [message.subject for message in outbox] == ["Hi"]


def test_a_class_over_the_mixin_may_be_the_state(live, wire):
    """A class over _MailMixin with the eleven attributes may be what an application keeps under "mail"."""

    class State(_MailMixin):
        def __init__(self):
            vars(self).update(vars(make_settings(wire.port, default_sender="me@example.com")))

    live.extensions["mail"] = State()

    with live.app_context():
        live.extensions["mail"].send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1
