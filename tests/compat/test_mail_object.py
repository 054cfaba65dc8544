"""Mail, and the state that it leaves with the application."""

from __future__ import annotations

import pytest

from flask_mail import Mail
from flask_mail import Message


def test_a_mail_without_an_application_is_unbound():
    """Mail() has neither an application nor a state."""
    mail = Mail()

    assert mail.app is None
    assert mail.state is None


def test_a_mail_with_an_application_is_bound(application):
    """Mail(app) has the application as ``app`` and what it left with it as ``state``."""
    mail = Mail(application)

    assert mail.app is application
    assert mail.state is application.extensions["mail"]


def test_the_application_may_be_given_by_name(application):
    """Mail takes the application as ``app``."""
    assert Mail(app=application).app is application


def test_init_app_returns_the_state(application):
    """init_app returns what it leaves as ``app.extensions["mail"]``."""
    state = Mail().init_app(application)

    assert state is application.extensions["mail"]


def test_an_application_may_be_initialised_twice(application):
    """The settings of the last init_app are the application's."""
    mail = Mail(application)
    application.config["MAIL_SERVER"] = "second.example.com"

    mail.init_app(application)

    assert application.extensions["mail"].server == "second.example.com"


def test_one_mail_may_serve_many_applications(make_application):
    """An unbound Mail sends by the application whose context is current."""
    mail = Mail()
    first = make_application(MAIL_DEFAULT_SENDER="first@example.com")
    second = make_application(MAIL_DEFAULT_SENDER="second@example.com")
    mail.init_app(first)
    mail.init_app(second)

    with mail.record_messages() as outbox:
        with first.app_context():
            mail.send_message("Hi", ["ann@example.com"])
        with second.app_context():
            mail.send_message("Hi", ["ann@example.com"])

    assert [message.sender for message in outbox] == ["first@example.com", "second@example.com"]


def test_init_mail_reads_a_configuration():
    """init_mail makes a state from a mapping, which need not be an application's."""
    state = Mail().init_mail({"MAIL_SERVER": "mail.example.com", "MAIL_PORT": 2525})

    assert (state.server, state.port) == ("mail.example.com", 2525)


def test_init_mail_takes_debug_and_testing_by_position():
    """init_mail(config, debug, testing) debugs and suppresses as its arguments say."""
    state = Mail().init_mail({}, True, True)

    assert state.debug
    assert state.suppress


def test_init_mail_debugs_and_suppresses_nothing_unasked():
    """init_mail(config) neither debugs nor suppresses."""
    state = Mail().init_mail({})

    assert not state.debug
    assert not state.suppress


def test_states_of_one_configuration_compare_by_their_attributes(mail, application):
    """Two states made from one configuration have equal ``__dict__``."""
    other = mail.init_mail(application.config, application.debug, application.testing)

    assert other.__dict__ == mail.state.__dict__


def test_states_of_two_configurations_differ():
    """Two states made from two configurations have different ``__dict__``."""
    one = Mail().init_mail({"MAIL_PORT": 25})
    two = Mail().init_mail({"MAIL_PORT": 587})

    assert one.__dict__ != two.__dict__


@pytest.mark.parametrize(
    "name",
    [
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
    ],
)
def test_the_state_has_the_attributes_of_0_10(mail, application, name):
    """Every attribute of 0.10 is there and can be changed."""
    state = application.extensions["mail"]
    before = getattr(state, name)

    setattr(state, name, "changed")

    assert before != "changed"
    assert getattr(state, name) == "changed"


@pytest.mark.parametrize("name", ["server", "port", "default_sender", "suppress", "max_emails"])
def test_a_bound_mail_gives_the_attributes_of_its_state(mail, name):
    """An attribute of the state can be read from a bound Mail."""
    assert getattr(mail, name) == getattr(mail.state, name)


@pytest.mark.not_in_0_10("every unknown name is None, item 31")
def test_an_unknown_attribute_is_an_attribute_error(mail):
    """A name that neither Mail nor its state has is an AttributeError."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mail.no_such_name


def test_send_sends_one_message(mail, context):
    """mail.send(message) sends the message."""
    message = Message("Hi", ["ann@example.com"], "text")

    with mail.record_messages() as outbox:
        mail.send(message)

    assert outbox == [message]


def test_send_message_makes_the_message(mail, context):
    """mail.send_message takes what Message takes, by position and by name."""
    with mail.record_messages() as outbox:
        mail.send_message("Hi", ["ann@example.com"], body="text")

    [message] = outbox
    assert (message.subject, message.recipients, message.body) == ("Hi", ["ann@example.com"], "text")


def test_the_state_sends_too(mail, application, context):
    """``app.extensions["mail"]`` has send, send_message, connect and record_messages, as Mail has."""
    state = application.extensions["mail"]

    with state.record_messages() as outbox, state.connect() as connection:
        state.send(Message("one", ["ann@example.com"]))
        state.send_message("two", ["ann@example.com"])
        connection.send_message("three", ["ann@example.com"])

    assert [message.subject for message in outbox] == ["one", "two", "three"]


def test_a_mail_that_was_never_initialised_is_a_runtime_error(make_application):
    """Sending by an application that knows no Mail is a RuntimeError that says so."""
    with make_application().app_context(), pytest.raises(RuntimeError, match="Flask-Mail"):
        Mail().connect()


def test_an_unbound_mail_outside_a_context_is_a_runtime_error():
    """Sending by an unbound Mail outside of a context is a RuntimeError, as Flask raises it."""
    with pytest.raises(RuntimeError):
        Mail().connect()


@pytest.mark.not_in_0_10("the message needs a context and so does the signal, items 12 and 30")
def test_a_bound_mail_sends_outside_a_context(application):
    """A bound Mail sends by its own application, whatever context there is."""
    mail = Mail(application)

    with mail.record_messages() as outbox:
        mail.send(Message("Hi", ["ann@example.com"], sender="me@example.com"))

    assert [message.subject for message in outbox] == ["Hi"]
