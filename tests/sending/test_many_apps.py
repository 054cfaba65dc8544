"""Many applications and many Mail objects in one process, in contexts, threads and neither."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_mail import _Mail
from flask_mail import ConfigError
from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def servers(serve):
    """Two servers."""
    return serve(), serve()


@pytest.fixture
def mails(servers, mail_to):
    """Two Mails, each bound to an application of its own with its own server and sender."""
    first, second = servers
    return (
        mail_to(first, MAIL_DEFAULT_SENDER="first@example.org"),
        mail_to(second, MAIL_DEFAULT_SENDER="second@example.org"),
    )


def test_each_to_its_own_server(servers, mails):
    """A bound Mail sends by its own application, without a context."""
    mails[0].send_message("One", ["ann@example.org"])
    mails[1].send_message("Two", ["ann@example.org"])

    assert [server.mails[0].envelope.mail_from for server in servers] == [
        "first@example.org",
        "second@example.org",
    ]


def test_in_the_context_of_another(servers, mails, dispatched):
    """Within another application's context a bound Mail keeps its server, its sender and its signals."""
    with mails[1].app.app_context():
        mails[0].send_message("One", ["ann@example.org"])

    assert [len(server.mails) for server in servers] == [1, 0]
    assert servers[0].mails[0].mime["From"] == "first@example.org"
    assert [app for app, _ in dispatched] == [mails[0].app]


def test_a_sender_of_ones_own_stays(servers, mails):
    """Within another application's context a sender that was given is kept."""
    with mails[1].app.app_context():
        mails[0].send(Message("One", ["ann@example.org"], sender="ann@example.org"))

    assert servers[0].mails[0].envelope.mail_from == "ann@example.org"


def test_an_unbound_mail_follows_the_context(servers, mails, dispatched):
    """An unbound Mail sends by the current application."""
    unbound = Mail()

    with mails[0].app.app_context():
        unbound.send_message("One", ["ann@example.org"])
    with mails[1].app.app_context():
        unbound.send_message("Two", ["ann@example.org"])

    assert [len(server.mails) for server in servers] == [1, 1]
    assert [app for app, _ in dispatched] == [mails[0].app, mails[1].app]


def test_the_inner_context_counts(servers, mails):
    """With one context inside another, an unbound Mail sends by the inner application."""
    with mails[0].app.app_context(), mails[1].app.app_context():
        Mail().send_message("Two", ["ann@example.org"])

    assert [len(server.mails) for server in servers] == [0, 1]


def test_an_unbound_mail_without_a_context(message):
    """Without a context an unbound Mail says what to do."""
    with pytest.raises(ConfigError) as caught:
        Mail().send(message)

    assert str(caught.value) == (
        "Working outside of application context: this Mail belongs to no application."
        " Use it within app.app_context(), or create it as Mail(app)."
    )


def test_an_application_without_mail(make_app, message):
    """In the context of an application that was never initialised, the call that is missing is named."""
    app = make_app()

    with (
        app.app_context(),
        pytest.raises(ConfigError, match="not configured with Flask-Mail: call mail"),
    ):
        Mail().send(message)


def test_a_connection_outlives_the_context(server, make_app, message):
    """A connection that an unbound Mail made in a context sends by that application afterwards."""
    app = make_app(**server.config)
    unbound = Mail()
    unbound.init_app(app)
    with app.app_context():
        connection = unbound.connect()

    with connection:
        connection.send(message)

    assert len(server.mails) == 1


def test_threads_without_a_context(servers, mails, failed):
    """Many threads send by two bound Mails at once, and each message goes where it belongs."""

    def send(number):
        mails[number % 2].send_message(f"{number}", ["ann@example.org"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(40)))

    assert [sorted(int(sent.mime["Subject"]) % 2 for sent in server.mails) for server in servers] == [
        [0] * 20,
        [1] * 20,
    ]
    assert failed == []


def test_two_mails_of_one_application(server, make_app, message, two):
    """Two Mails of one application both send by it."""
    app = make_app(**server.config)
    first, second = Mail(app), Mail(app)

    first.send(message)
    second.send(two)

    assert len(server.mails) == 2


def test_a_state_of_no_application(server, make_app, message, dispatched):
    """A state that a program made itself sends for the current application."""
    app = make_app()

    with app.app_context():
        _Mail(server.host, None, None, server.port, False, False, None, 0, None, False).send(message)

    assert len(server.mails) == 1
    assert dispatched == [(app, message)]


@pytest.mark.parametrize(
    "name, value",
    [
        ("server", "localhost"),
        ("port", 25),
        ("debug", 0),
        ("suppress", False),
        ("timeout", 30.0),
        ("retries", 0),
    ],
)
def test_defaults_of_a_state_of_no_application(name, value):
    """A state that a program made itself has the documented defaults, read or used."""
    state = _Mail()

    assert getattr(state, name) == getattr(state.snapshot(), name) == value


@pytest.mark.parametrize(
    "arguments, named",
    [([], {"sever": "mail.example.org"}), (["mail.example.org"], {"server": "other"}), (range(12), {})],
    ids=["unknown", "twice", "too-many"],
)
def test_a_state_made_of_what_it_has_not(arguments, named):
    """A value that a state does not have, or has already, is a TypeError."""
    with pytest.raises(TypeError):
        _Mail(*arguments, **named)


def test_a_state_of_no_application_that_cannot_be_used(make_app, message):
    """A value that cannot be read is an error when a program sends by a state that it made itself."""
    state = _Mail(port="many")

    with make_app().app_context(), pytest.raises(ConfigError) as caught:
        state.send(message)

    assert str(caught.value) == (
        "The attribute port is 'many'. Set it to a port number from 1 to 65535, such as 587."
    )


def test_an_application_initialised_again(serve, make_app, message):
    """After a second init_app, by the same Mail or another, the application has the settings of now."""
    first, second = serve(), serve()
    app = make_app(**first.config)
    mail = Mail(app)
    app.config.update(second.config)

    states = mail.init_app(app), Mail().init_app(app)
    mail.send(message)

    assert app.extensions["mail"] is states[1]
    assert [state.port for state in states] == [second.port] * 2
    assert [len(server.mails) for server in (first, second)] == [0, 1]
