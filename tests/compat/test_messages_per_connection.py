"""How many messages go over one connection, as each generation limits it."""

from __future__ import annotations

import pytest

from flask_mail import Mail


def send_five(mail, **options):
    """Send five messages over one connection."""
    with mail.app.app_context(), mail.connect(**options) as connection:
        for number in range(5):
            connection.send_message(f"message {number}", ["ann@example.com"])


def count_messages(wire):
    """Return the number of messages of each session that had any."""
    return [len(session) for session in wire.sessions if session]


def test_without_a_limit_one_session_takes_all(live, wire):
    """All messages of a connection go through one session when nothing limits it."""
    send_five(Mail(live))

    assert count_messages(wire) == [5]


def test_the_key_since_0_8(live, wire):
    """MAIL_MAX_EMAILS is the most that one session takes."""
    live.config["MAIL_MAX_EMAILS"] = 2

    send_five(Mail(live))

    assert count_messages(wire) == [2, 2, 1]


@pytest.mark.not_in_0_10("DEFAULT_MAX_EMAILS was dropped with 0.8")
@pytest.mark.filterwarnings("ignore:DEFAULT_MAX_EMAILS:DeprecationWarning")
def test_the_key_of_the_first_documentation(live, wire):
    """DEFAULT_MAX_EMAILS is the most that one session takes."""
    live.config["DEFAULT_MAX_EMAILS"] = 2

    send_five(Mail(live))

    assert count_messages(wire) == [2, 2, 1]


@pytest.mark.not_in_0_10("DEFAULT_MAX_EMAILS was dropped with 0.8")
def test_the_older_key_warns(live):
    """DEFAULT_MAX_EMAILS warns at init_app, and names the key to use instead."""
    live.config["DEFAULT_MAX_EMAILS"] = 2

    with pytest.warns(DeprecationWarning, match="DEFAULT_MAX_EMAILS.*MAIL_MAX_EMAILS"):
        Mail(live)


@pytest.mark.filterwarnings("ignore:DEFAULT_MAX_EMAILS:DeprecationWarning")
def test_the_newer_key_wins(live, wire):
    """With both keys set, MAIL_MAX_EMAILS is the limit."""
    live.config.update(DEFAULT_MAX_EMAILS=1, MAIL_MAX_EMAILS=3)

    send_five(Mail(live))

    assert count_messages(wire) == [3, 2]


@pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
def test_the_argument_of_the_first_documentation(live, wire):
    """``mail.connect(max_emails=N)`` limits the sessions of this connection."""
    send_five(Mail(live), max_emails=2)

    assert count_messages(wire) == [2, 2, 1]


@pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
def test_the_argument_may_go_by_position(mail, context):
    """``mail.connect(N)`` is ``mail.connect(max_emails=N)``."""
    with mail.connect(1) as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])

        assert connection.num_emails <= 1


@pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
def test_the_argument_wins_over_the_key(live, wire):
    """The argument of one connection is stronger than the setting."""
    live.config["MAIL_MAX_EMAILS"] = 1

    send_five(Mail(live), max_emails=3)

    assert count_messages(wire) == [3, 2]


@pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
def test_the_argument_is_for_one_connection(live, wire):
    """The next connection has the limit of the setting again."""
    mail = Mail(live)

    send_five(mail, max_emails=3)
    send_five(mail)

    assert count_messages(wire) == [3, 2, 5]


@pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
def test_the_count_begins_anew_with_each_session(mail, context):
    """``num_emails`` is 1 after the first message of each session, suppressed or not."""
    with mail.connect(max_emails=2) as connection:
        connection.send_message("one", ["ann@example.com"])
        first = connection.num_emails
        connection.send_message("two", ["ann@example.com"])
        connection.send_message("three", ["ann@example.com"])

        assert (first, connection.num_emails) == (1, 1)


def test_a_limit_may_be_set_on_the_state(live, wire):
    """``app.extensions["mail"].max_emails`` limits the connections made from then on."""
    mail = Mail(live)
    live.extensions["mail"].max_emails = 4

    send_five(mail)

    assert count_messages(wire) == [4, 1]
