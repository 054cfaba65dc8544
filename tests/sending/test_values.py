"""How one value is read: as a person means it, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies

from flask_mail import ConfigError
from flask_mail import Mail

KEYS = [
    "MAIL_SERVER", "MAIL_PORT", "MAIL_USE_TLS", "MAIL_USERNAME", "MAIL_PASSWORD", "MAIL_DEFAULT_SENDER",
    "MAIL_TIMEOUT", "MAIL_MAX_EMAILS", "MAIL_TLS_CA_FILE", "MAIL_LOCAL_HOSTNAME", "MAIL_MESSAGE_ID_DOMAIN",
    "MAIL_ENVELOPE_FROM", "MAIL_DEFAULT_REPLY_TO", "MAIL_DEFAULT_HEADERS", "MAIL_SUBJECT_PREFIX", "MAIL_AUTH",
    "MAIL_BACKEND", "MAIL_URL",
]  # fmt: skip

WORDS = [
    ("1", True), ("true", True), ("True", True), ("yes", True), ("on", True), ("Y", True), ("t", True),
    ("0", False), ("false", False), ("FALSE", False), ("no", False), ("off", False), ("N", False),
    ("f", False),
]  # fmt: skip


def read(**config):
    """Return the state that the settings make."""
    return Mail().init_mail(config)


@pytest.mark.parametrize("word, meaning", WORDS)
def test_words_for_yes_and_no(word, meaning):
    """The usual words, in any case, say yes or no."""
    assert read(MAIL_USE_TLS=word).use_tls is meaning


@pytest.mark.parametrize("value", [1, True])
def test_numbers_for_yes(value):
    """A number that is not zero says yes."""
    assert read(MAIL_USE_TLS=value).use_tls is True


@pytest.mark.parametrize("word", ["ja", "2", "truth", "none"])
def test_other_words_say_nothing(word):
    """Any other word is refused rather than taken for yes."""
    with pytest.raises(ConfigError, match="MAIL_USE_TLS"):
        read(MAIL_USE_TLS=word)


@pytest.mark.parametrize(
    "host",
    [
        "mail.example.org",
        "localhost",
        "127.0.0.1",
        "::1",
        "fe80::1%eth0",
        "bücher.example",
        "mail_1.internal",
        "a.",
    ],
)
def test_hosts(host):
    """Names and addresses of either family are servers."""
    assert read(MAIL_SERVER=host).server == host


@pytest.mark.parametrize(
    "host",
    [
        "smtp://mail.example.org", "mail.example.org/", "user@mail.example.org", "mail.example.org:25",
        "two words", "mail\n.example.org", "mail..example.org", "x" * 64 + ".org", 25,
    ],
)  # fmt: skip
def test_no_hosts(host):
    """What no resolver could look up is refused at once."""
    with pytest.raises(ConfigError, match="MAIL_SERVER"):
        read(MAIL_SERVER=host)


@pytest.mark.parametrize(
    "sender", ["shop@example.org", "Shop <shop@example.org>", ("Shop", "shop@example.org")]
)
def test_senders_stay_as_they_are(sender):
    """An address is checked and kept as it was given."""
    assert read(MAIL_DEFAULT_SENDER=sender).default_sender == sender


@pytest.mark.filterwarnings("ignore:MAIL_TIMEOUT is 0:flask_mail.ConfigWarning")
@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=40)
@given(
    value=strategies.text()
    | strategies.integers()
    | strategies.binary()
    | strategies.lists(strategies.text())
)
def test_anything_is_read_or_refused(key, value):
    """Whatever the value, it is read, or it is a ConfigError that names the key."""
    errors = []

    try:
        read(**{key: value})
    except ConfigError as error:
        errors.append(str(error))

    assert all(text.startswith(key) for text in errors)
