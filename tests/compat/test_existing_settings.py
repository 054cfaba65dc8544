"""The MAIL_ settings of 0.10, each with its default and its effect."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_mail import _Mail
from flask_mail import Mail
from flask_mail import Message

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


class PatientMail(_Mail):
    """A state with an attribute of its own."""

    def __init__(self, *args, timeout=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.timeout = timeout


def read_state(**config):
    """Return the state of an application that has this configuration and nothing else about mail."""
    application = Flask(__name__)
    application.config.update(config)
    return Mail(application).state


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 25),
        ("username", None),
        ("password", None),
        ("use_tls", False),
        ("use_ssl", False),
        ("default_sender", None),
        ("max_emails", None),
        ("suppress", False),
        ("ascii_attachments", False),
    ],
)
def test_a_default(name, value):
    """What is not configured has the default of 0.10."""
    assert getattr(read_state(), name) == value


@pytest.mark.not_in_0_10("its documentation says localhost, its code 127.0.0.1")
def test_the_default_server():
    """Mail goes to localhost when no server is configured."""
    assert read_state().server == "localhost"


def test_debugging_is_off_by_default():
    """Nothing is debugged when neither MAIL_DEBUG nor the application's debug mode is on."""
    assert not read_state().debug


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("MAIL_SERVER", "server", "mail.example.com"),
        ("MAIL_PORT", "port", 587),
        ("MAIL_USERNAME", "username", "user"),
        ("MAIL_PASSWORD", "password", "secret"),
        ("MAIL_USE_TLS", "use_tls", True),
        ("MAIL_USE_SSL", "use_ssl", True),
        ("MAIL_DEFAULT_SENDER", "default_sender", "shop@example.com"),
        ("MAIL_DEFAULT_SENDER", "default_sender", ("Shop", "shop@example.com")),
        ("MAIL_DEBUG", "debug", True),
        ("MAIL_MAX_EMAILS", "max_emails", 10),
        ("MAIL_SUPPRESS_SEND", "suppress", True),
        ("MAIL_ASCII_ATTACHMENTS", "ascii_attachments", True),
    ],
)
@pytest.mark.filterwarnings("ignore:MAIL_:UserWarning")
def test_a_key_sets_its_attribute(key, name, value):
    """The value of each key is the attribute of the state.

    A user name without a password, and the reverse, may warn.
    """
    assert getattr(read_state(**{key: value}), name) == value


@pytest.mark.not_in_0_10("a value is taken as it is, and the text 'false' is true")
@pytest.mark.parametrize(
    "key, text, name, value",
    [
        ("MAIL_PORT", "587", "port", 587),
        ("MAIL_USE_TLS", "true", "use_tls", True),
        ("MAIL_USE_TLS", "false", "use_tls", False),
        ("MAIL_USE_SSL", "0", "use_ssl", False),
        ("MAIL_SUPPRESS_SEND", "no", "suppress", False),
        ("MAIL_SUPPRESS_SEND", "1", "suppress", True),
        ("MAIL_ASCII_ATTACHMENTS", "yes", "ascii_attachments", True),
        ("MAIL_MAX_EMAILS", "10", "max_emails", 10),
        ("MAIL_MAX_EMAILS", "", "max_emails", None),
        ("MAIL_DEFAULT_SENDER", "", "default_sender", None),
        ("MAIL_SERVER", "", "server", "localhost"),
    ],
)
def test_a_value_may_come_from_the_environment(key, text, name, value):
    """A value given as text, as environment variables are, means what a person means by it."""
    assert getattr(read_state(**{key: text}), name) == value


@pytest.mark.parametrize("testing", [True, False])
def test_sending_is_suppressed_under_test(testing):
    """MAIL_SUPPRESS_SEND is what TESTING is, unless it is configured."""
    assert read_state(TESTING=testing).suppress is testing


def test_the_server_and_the_port_are_where_mail_goes(live, wire):
    """Mail goes to MAIL_SERVER and MAIL_PORT."""
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_the_user_name_and_the_password_are_told_to_the_server(live, wire):
    """MAIL_USERNAME and MAIL_PASSWORD sign in to the server."""
    live.config.update(MAIL_USERNAME="user", MAIL_PASSWORD="secret")
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert wire.credentials == [("user", "secret")]


def test_without_a_user_name_nobody_signs_in(live, wire):
    """A server that offers AUTH is not asked for it when no user name is configured."""
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert wire.credentials == []


@pytest.mark.parametrize(
    "sender", ["Shop <shop@example.com>", ("Shop", "shop@example.com")], ids=["text", "pair"]
)
def test_the_default_sender_is_where_mail_comes_from(live, wire, sender):
    """MAIL_DEFAULT_SENDER, a text or a pair, is the sender of a message that has none."""
    live.config["MAIL_DEFAULT_SENDER"] = sender
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert [heard.mail_from for heard in wire.deliveries] == ["shop@example.com"]


def test_sending_can_be_forced_under_test(live, wire):
    """MAIL_SUPPRESS_SEND = False sends although the application is under test."""
    live.config.update(TESTING=True, MAIL_SUPPRESS_SEND=False)
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


def test_sending_can_be_suppressed_outside_of_tests(live, wire):
    """MAIL_SUPPRESS_SEND = True sends nothing although the application is not under test."""
    live.config.update(TESTING=False, MAIL_SUPPRESS_SEND=True)
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert wire.deliveries == []


def test_file_names_can_be_made_ascii(make_application):
    """MAIL_ASCII_ATTACHMENTS takes accents from the names of attachments."""
    application = make_application(MAIL_ASCII_ATTACHMENTS=True)
    Mail(application)

    with application.app_context():
        message = Message("Hi", ["ann@example.com"])
        message.attach("Menü.txt", "text/plain", b"x")

        assert 'filename="Menu.txt"' in message.as_string()


def test_a_state_has_the_attributes_of_0_10_and_nothing_else():
    """The ``__dict__`` of a state has the eleven attributes, in the order of 0.10 or another one."""
    assert sorted(vars(read_state())) == sorted(NAMES)


@pytest.mark.not_in_0_10("it has no other settings")
def test_a_setting_that_0_10_did_not_have_is_not_among_them():
    """What is configured beyond 0.10 can be read from the state, and is not in its ``__dict__``."""
    state = read_state(MAIL_TIMEOUT=5, MAIL_DEFAULT_HEADERS={"X-Shop": "1"})

    assert sorted(vars(state)) == sorted(NAMES)
    assert (state.timeout, state.default_headers) == (5, {"X-Shop": "1"})


def test_a_state_with_an_attribute_of_its_own(live, wire):
    """A subclass may be made from the attributes of a state and one more, and sends."""
    Mail(live)
    state = live.extensions["mail"]

    twin = PatientMail(**vars(state), timeout=3)
    with live.app_context():
        twin.send(Message("Hi", ["ann@example.com"]))

    assert len(wire.deliveries) == 1
    assert vars(twin) == {**vars(state), "timeout": 3}


@pytest.mark.not_in_0_10("it has no time limit")
def test_a_time_limit_of_its_own_counts():
    """An attribute of a subclass that is the name of a setting is that setting."""
    assert PatientMail(**vars(read_state()), timeout=3).snapshot().timeout == 3


@pytest.mark.parametrize(
    "sender", [["Shop", "shop@example.com"], ("Shop", "shop@example.com")], ids=["list", "pair"]
)
def test_a_default_sender_reads_back_as_it_was_given(sender):
    """The attribute is the object of the configuration."""
    assert read_state(MAIL_DEFAULT_SENDER=sender).default_sender is sender
