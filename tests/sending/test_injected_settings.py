"""No setting that a text of somebody else's got into starts a header, an address or a command of its own."""

from __future__ import annotations

import pytest

from flask_mail import ConfigError
from flask_mail import MessageError
from pytest_flask_mail import assert_no_header_injection
from pytest_flask_mail import HEADER_INJECTIONS

SETTINGS = {
    "default sender's name": lambda text: {"MAIL_DEFAULT_SENDER": (text, "me@example.com")},
    "default sender": lambda text: {"MAIL_DEFAULT_SENDER": f"{text} <me@example.com>"},
    "default reply-to's name": lambda text: {"MAIL_DEFAULT_REPLY_TO": [(text, "me@example.com")]},
    "default reply-to": lambda text: {"MAIL_DEFAULT_REPLY_TO": f"me{text}@example.com"},
    "name of a default header": lambda text: {"MAIL_DEFAULT_HEADERS": {text: "1"}},
    "value of a default header": lambda text: {"MAIL_DEFAULT_HEADERS": {"X-Note": text}},
    "subject prefix": lambda text: {"MAIL_SUBJECT_PREFIX": text},
    "domain of Message-IDs": lambda text: {"MAIL_MESSAGE_ID_DOMAIN": f"example.com{text}"},
    "return path's domain": lambda text: {"MAIL_ENVELOPE_FROM": f"me@example.com{text}"},
    "EHLO name": lambda text: {"MAIL_LOCAL_HOSTNAME": f"example.com{text}"},
}


@pytest.mark.parametrize("payload", HEADER_INJECTIONS)
@pytest.mark.parametrize("give", SETTINGS.values(), ids=SETTINGS)
def test_a_text_stays_a_text(mail_to, server, message, give, payload):
    """The server hears of one message, with its own headers and no command more, or of none."""
    message.sender = None

    sent = send_or_refuse(lambda: mail_to(server, **give(payload)), message)

    commands = [verb for session in server.sessions for verb in session.verbs]
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [["ann@example.org"]] * sent
    assert [commands.count(verb) for verb in ("MAIL", "RCPT")] == [sent, sent]
    assert commands.count("DATA") + commands.count("BDAT") == sent
    assert_no_header_injection(server.mails)


def send_or_refuse(make_mail, message):
    """Return how many messages the server is to hear of: one, or none where the setting was refused."""
    try:
        make_mail().send(message)
    except (ConfigError, MessageError):
        return 0
    return 1
