"""The default sender, under the key of each generation."""

from __future__ import annotations

import warnings

import pytest

from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def make_mail(make_application):
    """A function that makes a bound Mail whose application has these sender keys only."""

    def make(**settings):
        application = make_application()
        del application.config["MAIL_DEFAULT_SENDER"]
        application.config.update(settings)
        return Mail(application)

    return make


def read_sender(mail):
    """Return the sender of a message that was given none."""
    with mail.app.app_context():
        return Message("Hi").sender


def test_the_key_since_0_8(make_mail):
    """MAIL_DEFAULT_SENDER is the sender of a message that has none."""
    assert read_sender(make_mail(MAIL_DEFAULT_SENDER="new@example.com")) == "new@example.com"


@pytest.mark.not_in_0_10("DEFAULT_MAIL_SENDER was dropped with 0.8")
@pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER:DeprecationWarning")
def test_the_key_of_the_first_documentation(make_mail):
    """DEFAULT_MAIL_SENDER is the sender of a message that has none."""
    assert read_sender(make_mail(DEFAULT_MAIL_SENDER="old@example.com")) == "old@example.com"


@pytest.mark.not_in_0_10("DEFAULT_MAIL_SENDER was dropped with 0.8")
@pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER:DeprecationWarning")
def test_the_key_of_the_first_documentation_takes_a_pair(make_mail):
    """DEFAULT_MAIL_SENDER may be a pair of name and address."""
    assert read_sender(make_mail(DEFAULT_MAIL_SENDER=("Me", "me@example.com"))) == "Me <me@example.com>"


@pytest.mark.not_in_0_10("DEFAULT_MAIL_SENDER was dropped with 0.8")
def test_the_older_key_warns(make_mail):
    """DEFAULT_MAIL_SENDER warns once, at init_app, and names the key to use instead."""
    with pytest.warns(DeprecationWarning, match="DEFAULT_MAIL_SENDER.*MAIL_DEFAULT_SENDER") as caught:
        make_mail(DEFAULT_MAIL_SENDER="old@example.com")

    assert len(caught) == 1


def test_the_newer_key_does_not_warn(make_mail):
    """MAIL_DEFAULT_SENDER is used without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_mail(MAIL_DEFAULT_SENDER="new@example.com")


@pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER:DeprecationWarning")
def test_the_newer_key_wins(make_mail):
    """With both keys set, MAIL_DEFAULT_SENDER is the sender."""
    mail = make_mail(DEFAULT_MAIL_SENDER="old@example.com", MAIL_DEFAULT_SENDER="new@example.com")

    assert read_sender(mail) == "new@example.com"


def test_a_sender_that_is_given_wins(make_mail):
    """A message keeps the sender that it was given."""
    mail = make_mail(MAIL_DEFAULT_SENDER="new@example.com")

    with mail.app.app_context():
        assert Message("Hi", sender="me@example.com").sender == "me@example.com"


@pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER:DeprecationWarning")
@pytest.mark.parametrize(
    "key",
    [
        "DEFAULT_MAIL_SENDER",
        pytest.param(
            "MAIL_DEFAULT_SENDER", marks=pytest.mark.not_in_0_10("the settings are read once, at init_app")
        ),
    ],
)
def test_a_default_sender_that_is_taken_away_is_missing(make_mail, key):
    """After its key is deleted a message has no sender, and is refused."""
    mail = make_mail(**{key: "shop@example.com"})

    del mail.app.config[key]

    with mail.app.app_context(), pytest.raises(AssertionError):
        mail.send(Message("Hi", ["ann@example.com"]))
