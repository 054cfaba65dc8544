"""What programs have been seen to do with Flask-Mail beyond its documentation."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from flask import current_app

from flask_mail import _Mail
from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

ELEVEN = ("mail.example.com", "user", "secret", 587, True, False, "me@example.com", 0, 10, True, False)
NAMES = (
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
)


@pytest.fixture
def live_context(live):
    """The context of an application that really sends."""
    Mail(live)
    with live.app_context():
        yield


class MockedConnection(Connection):
    """A connection whose host is a mock."""

    def configure_host(self):
        self.mocked = mock.Mock()
        return self.mocked


class StampingConnection(Connection):
    """A connection that changes what it sends."""

    def send(self, message, envelope_from=None):
        message.subject = f"[shop] {message.subject}"
        return super().send(message, envelope_from)


class StampingMail(Mail):
    """A Mail that uses a connection of its own."""

    def connect(self):
        return StampingConnection(current_app.extensions["mail"])


class CountingMessage(Message):
    """A message that counts how often it was sent."""

    sent = 0

    def send(self, connection):
        self.sent += 1
        super().send(connection)


class QuietMail(Mail):
    """A Mail that makes its state itself, by position."""

    def init_mail(self, config, debug=False, testing=False):
        return _Mail(*ELEVEN)


class ReadingMail(Mail):
    """A Mail that changes the configuration that it reads."""

    def init_mail(self, config, debug=False, testing=False):
        return super().init_mail({**config, "MAIL_SERVER": "own.example.com"}, debug, testing)


def test_a_connection_may_configure_its_own_host(live, live_context):
    """An override of configure_host gives the host that is asked, and that is quit at the end."""
    with MockedConnection(live.extensions["mail"]) as connection:
        connection.send_message("Hi", ["ann@example.com"])

    assert connection.mocked.sendmail.call_count == 1
    connection.mocked.quit.assert_called_once_with()


def test_configure_host_may_be_patched(live, live_context):
    """A patch of Connection.configure_host gives the host that is asked."""
    with mock.patch.object(Connection, "configure_host") as configure_host:
        Mail(live).send_message("Hi", ["ann@example.com"])

    assert configure_host.return_value.sendmail.call_count == 1


def test_configure_host_may_be_called(live, live_context, wire):
    """configure_host returns a host that is connected and that can quit."""
    host = Mail(live).connect().configure_host()
    host.quit()

    assert len(wire.sessions) == 1


def test_a_suppressed_connection_configures_no_host(mail, application, context):
    """configure_host is not asked while sending is suppressed."""
    with mock.patch.object(Connection, "configure_host") as configure_host:
        mail.send_message("Hi", ["ann@example.com"])

    assert configure_host.call_count == 0


def test_a_connection_may_override_send(application, context):
    """A message sent by Mail goes through the override of Connection.send."""
    mail = StampingMail(application)

    with mail.record_messages() as outbox:
        mail.send_message("Hi", ["ann@example.com"])

    assert [message.subject for message in outbox] == ["[shop] Hi"]


def test_a_connection_s_own_send_is_used_for_send_message(application, context):
    """connection.send_message goes through the override of Connection.send."""
    mail = StampingMail(application)

    with mail.record_messages() as outbox, mail.connect() as connection:
        connection.send_message("Hi", ["ann@example.com"])

    assert [message.subject for message in outbox] == ["[shop] Hi"]


def test_a_message_may_override_send(mail, context):
    """mail.send goes through the override of Message.send."""
    message = CountingMessage("Hi", ["ann@example.com"])

    with mail.record_messages() as outbox:
        mail.send(message)

    assert message.sent == 1
    assert outbox == [message]


def test_a_mail_may_override_init_mail(application):
    """What an override of init_mail returns is the state."""
    mail = ReadingMail(application)

    assert application.extensions["mail"].server == "own.example.com"
    assert mail.state.server == "own.example.com"


def test_a_state_may_be_made_by_position():
    """_Mail takes the eleven values of 0.10 in its order."""
    state = _Mail(*ELEVEN)

    assert tuple(getattr(state, name) for name in NAMES) == ELEVEN


def test_a_state_may_be_made_by_name():
    """_Mail takes the eleven values of 0.10 under the names of its attributes."""
    state = _Mail(**dict(zip(NAMES, ELEVEN, strict=True)))

    assert tuple(getattr(state, name) for name in NAMES) == ELEVEN


@pytest.mark.not_in_0_10("it made the eleventh, which 0.9.1 had optional, required")
def test_a_state_may_be_made_from_ten_values():
    """_Mail takes the ten values that 0.9 required."""
    state = _Mail(*ELEVEN[:10])

    assert state.suppress is True
    assert state.ascii_attachments is False


def test_a_state_made_by_position_is_used(application, context):
    """A state that init_mail made by position sends, or here does not, as it says."""
    mail = QuietMail(application)

    with mail.record_messages() as outbox:
        mail.send_message("Hi", ["ann@example.com"])

    assert [message.sender for message in outbox] == ["me@example.com"]


def test_the_server_may_be_changed_on_the_state(make_application, wire, closed_port):
    """The next message goes to the server and port that were set on the state."""
    application = make_application(TESTING=False, MAIL_SERVER="elsewhere.invalid", MAIL_PORT=closed_port)
    mail = Mail(application)
    state = application.extensions["mail"]
    state.server, state.port = "127.0.0.1", wire.port

    with application.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_the_default_sender_may_be_changed_on_the_state(mail, application, context):
    """The next message has the default sender that was set on the state."""
    application.extensions["mail"].default_sender = "changed@example.com"

    assert Message("Hi").sender == "changed@example.com"


def test_sending_may_be_suppressed_on_the_state(live, live_context, wire):
    """The next message is not transmitted when ``suppress`` was set on the state."""
    live.extensions["mail"].suppress = True

    Mail().send_message("Hi", ["ann@example.com"])

    assert wire.sessions == []


def test_sending_may_be_resumed_on_the_state(make_application, wire):
    """The next message is transmitted when ``suppress`` was unset on the state, test or not."""
    application = make_application(MAIL_SERVER="127.0.0.1", MAIL_PORT=wire.port)
    mail = Mail(application)
    application.extensions["mail"].suppress = False

    with application.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_credentials_may_be_changed_on_the_state(live, live_context, wire):
    """The next connection signs in with what was set on the state."""
    state = live.extensions["mail"]
    state.username, state.password = "user", "secret"

    Mail().send_message("Hi", ["ann@example.com"])

    assert wire.credentials == [("user", "secret")]


@pytest.fixture
def task(context):
    """A message as a Celery task is given it: its ``__dict__``, through JSON."""
    message = Message(
        "Hi",
        ["ann@example.com"],
        "text",
        "<p>text</p>",
        sender=("Me", "me@example.com"),
        cc=["bob@example.com"],
        reply_to="desk@example.com",
        extra_headers={"X-Shop": "yes"},
    )
    return json.loads(json.dumps(message.__dict__))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "Hi"),
        ("recipients", ["ann@example.com"]),
        ("body", "text"),
        ("html", "<p>text</p>"),
        ("alts", {"html": "<p>text</p>"}),
        ("sender", "Me <me@example.com>"),
        ("cc", ["bob@example.com"]),
        ("bcc", []),
        ("reply_to", "desk@example.com"),
        ("extra_headers", {"X-Shop": "yes"}),
        ("attachments", []),
    ],
)
def test_a_message_is_made_from_the_dict_of_another(task, name, value):
    """A message whose ``__dict__`` is updated with that of another has its values."""
    message = Message()

    message.__dict__.update(task)

    assert getattr(message, name) == value


def test_a_message_made_from_a_dict_keeps_its_id(context):
    """The Message-ID goes with the ``__dict__``, so that a task that is tried again sends one message."""
    original, message = Message("Hi"), Message()

    message.__dict__.update(json.loads(json.dumps(original.__dict__)))

    assert message.msgId == original.msgId


def test_a_message_made_from_a_dict_is_sent(mail, task):
    """A message made from the ``__dict__`` of another renders and is sent."""
    message = Message()
    message.__dict__.update(task)

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]
    assert "<p>text</p>" in message.as_string()


@pytest.mark.parametrize(
    "name",
    [
        "subject",
        "recipients",
        "body",
        "alts",
        "sender",
        "cc",
        "bcc",
        "attachments",
        "reply_to",
        "date",
        "msgId",
        "charset",
        "extra_headers",
        "mail_options",
        "rcpt_options",
    ],
)
def test_the_dict_has_the_names_of_0_10(context, name):
    """A message's ``__dict__`` has each attribute under the name it had in 0.10."""
    assert name in Message("Hi").__dict__


def test_a_dict_written_by_0_10_is_read(mail, context):
    """A task that was queued by Flask-Mail 0.10 is sent after the upgrade."""
    message = Message()
    message.__dict__.update(
        {
            "recipients": ["ann@example.com"],
            "subject": "Hi",
            "sender": "me@example.com",
            "reply_to": None,
            "cc": [],
            "bcc": [],
            "body": "text",
            "alts": {"html": "<p>text</p>"},
            "date": None,
            "msgId": "<1@example.com>",
            "charset": None,
            "extra_headers": None,
            "mail_options": [],
            "rcpt_options": [],
            "attachments": [],
        }
    )

    mail.send(message)

    assert message.html == "<p>text</p>"
    assert "\r\nMessage-ID: <1@example.com>\r\n" in message.as_string()


@pytest.mark.parametrize("name", ["recipients", "cc", "bcc"])
def test_no_addresses_may_be_given_as_none(context, name):
    """recipients, cc and bcc given as None are empty lists."""
    message = Message("Hi", **{name: None})

    assert getattr(message, name) == []
    assert message.send_to == set()


@pytest.mark.parametrize("name", ["cc", "bcc"])
def test_no_copies_may_be_set_to_none(mail, context, name):
    """A message whose cc or bcc was set to None is sent."""
    message = Message("Hi", ["ann@example.com"])
    setattr(message, name, None)

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]
    assert message.send_to == {"ann@example.com"}
