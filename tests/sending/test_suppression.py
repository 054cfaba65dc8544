"""Suppression: decided at the moment of sending, by setting, by hand, or for a block."""

from __future__ import annotations

import threading

import pytest

from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def application(server, make_app):
    """An application that sends to ``server``, with nothing said about suppression."""
    application = make_app(**server.config)
    del application.config["MAIL_SUPPRESS_SEND"]
    return application


@pytest.fixture
def mail(application):
    """The application's Mail."""
    return Mail(application)


def test_nothing_is_said(server, mail, message):
    """Without TESTING and MAIL_SUPPRESS_SEND mail is sent."""
    assert mail.send(message).outcome == "accepted"
    assert len(server.mails) == 1


@pytest.mark.parametrize("key", ["TESTING", "MAIL_SUPPRESS_SEND"])
def test_a_late_setting_counts(server, application, mail, message, key):
    """TESTING or MAIL_SUPPRESS_SEND set after init_app keeps mail from leaving (FM#96, #25, #176)."""
    application.config[key] = True

    assert mail.send(message).outcome == "suppressed"
    assert server.sessions == []


@pytest.mark.parametrize("key", ["TESTING", "MAIL_SUPPRESS_SEND"])
def test_a_late_end_counts(server, application, mail, message, key):
    """TESTING or MAIL_SUPPRESS_SEND turned off after init_app lets mail leave."""
    application.config[key] = True
    mail.send(message)
    application.config[key] = False

    mail.send(message)

    assert len(server.mails) == 1


def test_the_setting_overrules_testing(server, application, mail, message):
    """MAIL_SUPPRESS_SEND = False sends under test."""
    application.config.update(TESTING=True, MAIL_SUPPRESS_SEND=False)

    assert mail.send(message).outcome == "accepted"


def test_testing_does_not_overrule_the_setting(server, application, mail, message):
    """MAIL_SUPPRESS_SEND = True suppresses outside of tests."""
    application.config.update(TESTING=False, MAIL_SUPPRESS_SEND="yes")

    assert mail.send(message).outcome == "suppressed"


def test_by_hand_on_the_mail(server, mail, message):
    """``mail.suppress = True`` has an effect."""
    mail.suppress = True

    assert mail.send(message).outcome == "suppressed"


def test_by_hand_on_an_unbound_mail(server, application, message):
    """``mail.suppress = True`` on an unbound Mail has an effect on each of its applications."""
    unbound = Mail()
    unbound.init_app(application)
    unbound.suppress = True

    with application.app_context():
        receipt = unbound.send(message)

    assert receipt.outcome == "suppressed"


def test_in_the_middle_of_a_batch(server, application, mail, message, two):
    """A connection that is open sends nothing more once sending is suppressed."""
    with mail.connect() as connection:
        connection.send(message)
        application.config["TESTING"] = True
        receipt = connection.send(two)

    assert receipt.outcome == "suppressed"
    assert [sent.mime["Subject"] for sent in server.mails] == ["Hi"]
    assert not server.sessions[0].is_open


def test_until_the_middle_of_a_batch(server, mail, message, two):
    """A connection that was made while sending was suppressed sends afterwards."""
    mail.suppress = True
    with mail.connect() as connection:
        connection.send(message)
        mail.suppress = False
        connection.send(two)

    assert [sent.mime["Subject"] for sent in server.mails] == ["Again"]


def test_for_a_block(server, mail, message, two):
    """Within ``mail.suppressed()`` nothing leaves, and afterwards everything does again."""
    with mail.suppressed():
        mail.send(message)
    mail.send(two)

    assert [sent.mime["Subject"] for sent in server.mails] == ["Again"]


def test_blocks_can_be_nested(server, mail, message):
    """Leaving an inner block does not end the outer one."""
    with mail.suppressed():
        with mail.suppressed():
            pass
        mail.send(message)

    assert server.mails == []


def test_a_block_ends_with_an_error(server, mail, message):
    """An error passes through the block and ends it."""
    with pytest.raises(ZeroDivisionError), mail.suppressed():
        raise ZeroDivisionError

    assert mail.send(message).outcome == "accepted"


def test_a_block_leaves_the_setting(mail):
    """A block changes nothing that can be read or set by hand."""
    with mail.suppressed():
        inside = mail.suppress

    assert (inside, mail.suppress) == (False, False)


def test_a_block_counts_in_every_thread(server, mail, message):
    """A message that another thread sends during the block does not leave."""
    with mail.suppressed():
        thread = threading.Thread(target=mail.send, args=(message,))
        thread.start()
        thread.join()

    assert server.mails == []


def test_a_block_of_an_unbound_mail(server, application, message):
    """An unbound Mail suppresses the current application."""
    unbound = Mail()
    unbound.init_app(application)

    with application.app_context(), unbound.suppressed():
        receipt = unbound.send(message)

    assert receipt.outcome == "suppressed"


def test_a_block_of_the_state(server, application, mail, message):
    """``application.extensions["mail"].suppressed()`` is the same block."""
    with application.extensions["mail"].suppressed():
        receipt = mail.send(message)

    assert receipt.outcome == "suppressed"


def test_the_message_is_checked(suppressed):
    """A message that cannot be sent fails while sending is suppressed, too: tests find it."""
    with pytest.raises(ValueError, match=r"[sS]ubject"):
        suppressed.send(Message("Hi\nBcc: eve@example.org", ["ann@example.org"]))


def test_the_message_is_announced(suppressed, message, dispatched):
    """email_dispatched is sent while sending is suppressed."""
    suppressed.send(message)

    assert dispatched == [(suppressed.app, message)]


def test_the_message_is_rendered(suppressed, message):
    """The bytes that would have been sent are in the receipt."""
    assert suppressed.send(message).envelope.content == message.as_bytes()
