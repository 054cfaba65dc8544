"""Password and token are in no log, error, pickle or record of a server, whichever way the sign-in goes."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback

import pytest

from flask_mail import ConfigError
from flask_mail import ConfigWarning
from flask_mail import Mail

SECRET = "s3cret-t0ken"
XOAUTH2 = f"user=user\1auth=Bearer {SECRET}\1\1"
#: The secret as it goes over the line, by each mechanism but CRAM-MD5, of which only a digest does.
FORMS = [
    SECRET,
    *(base64.b64encode(text.encode()).decode() for text in (SECRET, f"\0user\0{SECRET}", XOAUTH2)),
]
MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]

FAULTS = {
    "accepted, and MAIL refused": lambda server: server.on("MAIL").reply("530 Not you"),
    "refused": lambda server: server.on("AUTH").reply("535 Wrong"),
    "impossible now": lambda server: server.on("AUTH").reply("454 Later"),
    "ended": lambda server: server.on("AUTH").drop(),
    "not answered": lambda server: server.on("AUTH").delay(0.5),
    "goodbye": lambda server: server.on("AUTH").reply("421 Bye"),
}


@pytest.fixture
def log(caplog):
    """Return a function that returns the whole text of every logger's records."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)


@pytest.fixture
def signed_in_mail(serve, mail_to):
    """Return a function that makes a server with one mechanism, and a Mail that signs in by it."""

    def make(mechanism, **settings):
        server = serve(auth=("user", SECRET), auth_mechanisms=[mechanism])
        secrets = {"MAIL_PASSWORD": SECRET, "MAIL_OAUTH2_TOKEN": SECRET}
        settings = {"MAIL_AUTH": mechanism, "MAIL_DEBUG": True, "MAIL_TIMEOUT": 0.2, **secrets, **settings}
        return server, mail_to(server, **settings)

    return make


def find_secrets(*texts):
    """Return the forms of the secret that are in any of these."""
    shown = "\n".join(texts)
    return [form for form in FORMS if form.rstrip("=") in shown]


def read_error(error):
    """Return all that a crash report says of an error: text, notes, arguments, causes, traceback."""
    return "\n".join([*traceback.format_exception(error), repr(error), repr(error.args), repr(vars(error))])


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_sign_in_that_fails(signed_in_mail, message, log, fault, mechanism):
    """Error, log and the server's record of a sign-in that fails have no secret."""
    server, mail = signed_in_mail(mechanism)
    fault(server)

    with pytest.raises(OSError) as caught:
        mail.send(message)

    [session] = server.sessions
    assert find_secrets(read_error(caught.value)) == []
    assert find_secrets(log()) == []
    assert find_secrets(repr(session), str(session.transcript), str(session.verbs), repr(session.auth)) == []


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_pickled_error(signed_in_mail, message, mechanism):
    """The pickle of an error, as a task queue makes it, has no secret."""
    server, mail = signed_in_mail(mechanism)
    server.on("AUTH").reply("535 Wrong")

    with pytest.raises(OSError) as caught:
        mail.send(message)

    assert find_secrets(pickle.dumps(caught.value).decode("latin-1")) == []


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_session_that_is_signed_in(signed_in_mail, message, log, mechanism):
    """What is printed of connection, session, receipt and the server's record of them has no secret."""
    server, mail = signed_in_mail(mechanism)

    with mail.connect() as connection:
        receipt = connection.send(message)
        shown = [repr(connection), str(connection), repr(connection.host), str(connection.host)]

    [session] = server.sessions
    shown += [repr(receipt), repr(server.mails), repr(session), str(session.transcript), repr(session.auth)]
    assert find_secrets(log(), *shown) == []


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_that_is_not_offered(serve, mail_to, message, log, mechanism):
    """The error that names the mechanisms has no secret, and none was sent."""
    server = serve(auth=("user", SECRET), auth_mechanisms=[{"PLAIN": "LOGIN"}.get(mechanism, "PLAIN")])
    mail = mail_to(server, MAIL_AUTH=mechanism, MAIL_PASSWORD=SECRET, MAIL_OAUTH2_TOKEN=SECRET)

    with pytest.raises(OSError, match="offers authentication by") as caught:
        mail.send(message)

    assert find_secrets(read_error(caught.value), log(), str(server.sessions[0].transcript)) == []


def test_another_server_than_meant(far_away, serve, make_app, message, log):
    """The error of a password that would leave in clear does not have it."""
    far_away(serve(auth=("user", SECRET)))
    mail = Mail(make_app(MAIL_SERVER="mail.example.org", MAIL_USERNAME="user", MAIL_PASSWORD=SECRET))

    with pytest.raises(ConfigError, match="unencrypted") as caught:
        mail.send(message)

    assert find_secrets(read_error(caught.value), log()) == []


def test_failing_silently(unreachable, message, log, failed):
    """The warning, the receipt and the signal of a server that is not there have no secret."""
    mail = unreachable(MAIL_USERNAME="user", MAIL_PASSWORD=SECRET, MAIL_FAIL_SILENTLY=True)

    receipt = mail.send(message)

    [(_, _, error)] = failed
    assert find_secrets(log(), repr(receipt), read_error(error)) == []


def test_settings_that_contradict(make_app, message, log):
    """The warning and the error of settings that are wrong beside the password do not have it."""
    with pytest.warns(ConfigWarning) as warned:
        mail = Mail(make_app(MAIL_URL=f"smtps://user:{SECRET}@127.0.0.1", MAIL_TLS_KEY_FILE=__file__))

    with pytest.raises(ConfigError, match="MAIL_TLS_KEY_FILE") as caught:
        mail.send(message)

    assert find_secrets(read_error(caught.value), log(), str(warned[0].message)) == []
