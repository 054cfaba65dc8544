"""Keys that applications have for themselves, or from another framework, beside those of Flask-Mail."""

from __future__ import annotations

import email
import warnings

import pytest

from flask_mail import Mail
from flask_mail import Message

OWN = {
    "MAIL_SENDER": "me@example.com",
    "MAIL_USER": "me",
    "MAIL_PASS": "s3cret",
    "MAIL_HOST": "mail.example.com",
    "MAIL_FROM": "me@example.com",
    "MAIL_REPLY_TO": "desk@example.com",
    "MAIL_DEBUG_BODY": "text",
    "MAIL_SUBJECT": "Hi",
    "MAIL_STARTTLS": True,
    "MAIL_SSL_TLS": False,
    "MAIL_FROM_NAME": "Shop",
    "MAIL_FROM_ADDRESS": "me@example.com",
    "MAIL_SENDER_NAME": "Shop",
    "MAIL_RETRY": 3,
}


def subject_of(delivery):
    """Return the subject of a message as the server heard it."""
    return email.message_from_bytes(delivery.content)["Subject"]


@pytest.mark.parametrize("key", OWN)
def test_a_key_of_one_s_own_does_not_warn(make_application, key):
    """init_app takes no notice of a key that is not its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Mail(make_application(**{key: OWN[key]}))


def test_a_key_beside_the_one_it_resembles_does_not_warn(make_application):
    """A key that resembles one which is set is no misspelling of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Mail(make_application(MAIL_SERVER="mail.example.com", MAIL_SERVERS=["mail.example.com"]))


def test_a_prefix_added_by_hand_stands_once(live, wire):
    """A subject that begins with MAIL_SUBJECT_PREFIX, as applications put it there, is sent as it is."""
    live.config["MAIL_SUBJECT_PREFIX"] = "[Shop]"
    mail = Mail(live)

    with live.app_context():
        mail.send_message(f"{live.config['MAIL_SUBJECT_PREFIX']} Hi", ["ann@example.com"])

    assert subject_of(wire.deliveries[0]) == "[Shop] Hi"


def test_a_recorded_prefix_stands_once(make_application):
    """A message whose prefix was added by hand has it once when it is written."""
    application = make_application(MAIL_SUBJECT_PREFIX="[Shop] ")
    mail = Mail(application)

    with application.app_context(), mail.record_messages() as outbox:
        mail.send(Message("[Shop] Hi", ["ann@example.com"]))
        text = outbox[0].as_string()

    assert text.count("[Shop]") == 1


@pytest.mark.not_in_0_10("the prefix was nobody's")
def test_a_prefix_is_put_before_every_other_subject(live, wire):
    """A subject that does not begin with MAIL_SUBJECT_PREFIX gets it."""
    live.config["MAIL_SUBJECT_PREFIX"] = "[Shop] "
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Re: [Shop] Hi", ["ann@example.com"])

    assert subject_of(wire.deliveries[0]) == "[Shop] Re: [Shop] Hi"


@pytest.mark.not_in_0_10("it named none")
@pytest.mark.parametrize("key", ["MAIL_SENDER", "MAIL_FROM", "MAIL_FROM_ADDRESS", "DEFAULT_FROM_EMAIL"])
def test_a_missing_sender_names_the_key_that_was_set(make_application, key):
    """The error of a message without a sender names the key in which one was given."""
    application = make_application(MAIL_DEFAULT_SENDER=None, **{key: "me@example.com"})
    mail = Mail(application)

    with (
        application.app_context(),
        pytest.raises(AssertionError, match=f"{key} is set, which Flask-Mail does not read: it reads MAIL_D"),
    ):
        mail.send_message("Hi", ["ann@example.com"])


@pytest.mark.not_in_0_10("there was no timeout")
@pytest.mark.parametrize("value", [0, 0.0, "0"], ids=repr)
def test_a_timeout_of_nothing_is_none(make_application, value):
    """MAIL_TIMEOUT = 0 means no limit, with a warning that says how to write that."""
    application = make_application(MAIL_TIMEOUT=value)

    with pytest.warns(UserWarning, match="MAIL_TIMEOUT is 0, which means no time limit. Set it to None"):
        mail = Mail(application)
    assert mail.state.timeout is None


@pytest.mark.parametrize(
    "value",
    ["smtp", "django.core.mail.backends.smtp.EmailBackend", "flask_mailman.backends.smtp"],
)
def test_a_backend_of_elsewhere_that_is_smtp_works(live, wire, value):
    """MAIL_BACKEND may name SMTP as Flask-Mailman and Django do."""
    live.config["MAIL_BACKEND"] = value
    mail = Mail(live)

    with live.app_context():
        mail.send_message("Hi", ["ann@example.com"])

    assert len(wire.deliveries) == 1


@pytest.mark.not_in_0_10("the key was nobody's")
@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("locmem", "MAIL_SUPPRESS_SEND = True"),
        ("dummy", "MAIL_SUPPRESS_SEND = True"),
        ("django.core.mail.backends.locmem.EmailBackend", "MAIL_SUPPRESS_SEND = True"),
        ("console", "write a callable that returns"),
        ("file", "write a callable that returns"),
        ("django.core.mail.backends.console.EmailBackend", "write a callable that returns"),
        ("flask_mailman.backends.filebased", "write a callable that returns"),
    ],
)
def test_a_backend_of_elsewhere_says_what_to_write(make_application, value, remedy):
    """The error of another name that Flask-Mailman or Django has says what to write instead."""
    with pytest.raises(RuntimeError, match=remedy):
        Mail(make_application(MAIL_BACKEND=value))


@pytest.mark.not_in_0_10("it named none")
def test_a_server_that_is_missing_names_the_key_that_was_set(make_application, closed_port):
    """Where nothing listens on the default server, the error names the key in which one was given."""
    application = make_application(TESTING=False, MAIL_PORT=closed_port, MAIL_HOST="mail.example.com")
    mail = Mail(application)

    with (
        application.app_context(),
        pytest.raises(OSError, match="MAIL_HOST is set, which Flask-Mail does not read"),
    ):
        mail.send_message("Hi", ["ann@example.com"])


@pytest.mark.not_in_0_10("it signed in without a password as it does without both")
def test_a_password_that_is_missing_names_the_key_that_was_set(make_application):
    """Where a user name has no password, the warning names the key in which one was given."""
    application = make_application(MAIL_USERNAME="me", MAIL_PASS="s3cret")

    with pytest.warns(UserWarning, match="MAIL_PASS is set, which Flask-Mail does not read") as caught:
        Mail(application)
    assert "s3cret" not in str(caught[0].message)


@pytest.mark.not_in_0_10("it had no commands")
def test_the_check_names_keys_that_are_not_read(make_application, wire):
    """``flask mail check`` names the keys that are set in vain."""
    application = make_application(
        MAIL_SERVER="127.0.0.1", MAIL_PORT=wire.port, MAIL_HOST="mail.example.com", MAIL_FROM="me@example.com"
    )
    Mail(application)

    result = application.test_cli_runner().invoke(args=["mail", "check"])

    assert "MAIL_HOST (read is MAIL_SERVER), MAIL_FROM (read is MAIL_DEFAULT_SENDER)" in result.output
