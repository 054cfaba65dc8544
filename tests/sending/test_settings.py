"""The MAIL_* keys: what each sets, what is refused, what is warned of, how a late change is followed."""

from __future__ import annotations

import copy
import pickle
import ssl
import threading
import warnings
from collections import deque
from types import MappingProxyType

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_mail import _Mail
from flask_mail import ConfigError
from flask_mail import ConfigWarning
from flask_mail import Mail
from flask_mail import Message
from flask_mail._config.sources import KEYS

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


TEXTS = {
    "MAIL_SERVER": ("server", "one.example.org", "two.example.org", "a b"),
    "MAIL_PORT": ("port", "25", "26", "many"),
    "MAIL_USE_TLS": ("use_tls", "yes", "no", "maybe"),
    "MAIL_USE_SSL": ("use_ssl", "yes", "no", "maybe"),
    "MAIL_DEBUG": ("debug", "1", "2", "maybe"),
    "MAIL_USERNAME": ("username", "ann", "bob", "\0"),
    "MAIL_PASSWORD": ("password", "s3cret", "t0ken", "\0"),
    "MAIL_DEFAULT_SENDER": ("default_sender", "a@example.org", "b@example.org", "a@b\r\nBcc: c@d"),
    "MAIL_MAX_EMAILS": ("max_emails", "1", "2", "many"),
    "MAIL_SUPPRESS_SEND": ("suppress", "yes", "no", "maybe"),
    "MAIL_ASCII_ATTACHMENTS": ("ascii_attachments", "yes", "no", "maybe"),
    "MAIL_TIMEOUT": ("timeout", "1", "2", "soon"),
    "MAIL_TLS_VERIFY": ("tls_verify", "yes", "no", "maybe"),
    "MAIL_TLS_CA_FILE": ("tls_ca_file", "one.pem", "two.pem", "\0"),
    "MAIL_TLS_CERT_FILE": ("tls_cert_file", "one.pem", "two.pem", "\0"),
    "MAIL_TLS_KEY_FILE": ("tls_key_file", "one.pem", "two.pem", "\0"),
    "MAIL_LOCAL_HOSTNAME": ("local_hostname", "one.example.org", "two.example.org", "a\r\nQUIT"),
    "MAIL_MESSAGE_ID_DOMAIN": ("message_id_domain", "one.example.org", "two.example.org", "a>\r\nBcc: c@d"),
    "MAIL_ENVELOPE_FROM": ("envelope_from", "a@example.org", "b@example.org", "a@b>\r\nRCPT TO:<c@d>"),
    "MAIL_DEFAULT_REPLY_TO": ("default_reply_to", "a@example.org", "b@example.org", "a@b\r\nBcc: c@d"),
    "MAIL_DEFAULT_HEADERS": ("default_headers", '{"X-A": "1"}', '{"X-A": "2"}', '{"Bcc": "c@d"}'),
    "MAIL_SUBJECT_PREFIX": ("subject_prefix", "[One] ", "[Two] ", "[One]\r\nBcc: c@d"),
    "MAIL_TEXT_FROM_HTML": ("text_from_html", "yes", "no", "maybe"),
    "MAIL_AUTH": ("auth", "PLAIN", "LOGIN", "GSSAPI"),
    "MAIL_OAUTH2_TOKEN": ("oauth2_token", "s3cret", "t0ken", "\0"),
    "MAIL_ALLOW_PLAINTEXT_AUTH": ("allow_plaintext_auth", "yes", "no", "maybe"),
    "MAIL_BACKEND": ("backend", "one:host", "two:host", "console"),
    "MAIL_FAIL_SILENTLY": ("fail_silently", "yes", "no", "maybe"),
    "MAIL_PIPELINING": ("pipelining", "yes", "no", "maybe"),
    "MAIL_KEEPALIVE": ("keepalive", "1", "2", "soon"),
    "MAIL_RETRIES": ("retries", "1", "2", "many"),
    "MAIL_URL": ("server", "smtp://one.example.org", "smtp://two.example.org", "http://a"),
}
"""Every key that may be text: its attribute, two texts, and one that cannot be read."""

EVERY_TEXT = pytest.mark.parametrize(
    "key, attribute, text, other, nonsense", [(key, *texts) for key, texts in TEXTS.items()], ids=TEXTS
)


class LazyText:
    """A text that is asked for when it is needed, as lazy translations are; ``texts`` may be changed."""

    def __init__(self, *texts):
        self.texts = texts
        self.asked = 0

    def __str__(self):
        self.asked += 1
        return self.texts[min(self.asked, len(self.texts)) - 1]

    def isspace(self):
        return False


class LyingText(str):
    """A text whose methods say something else than it is."""

    __slots__ = ()

    def __str__(self):
        return "a@b\r\nBcc: c@d"

    strip = lower = upper = __format__ = lambda *args: "a@b\r\nBcc: c@d"
    isprintable = isascii = __eq__ = lambda *args: True
    __hash__ = str.__hash__


def answer(settings):
    """Stand for a callable that a setting may be."""


def meaning(settings, attribute):
    """Return the value of a setting, addresses as their text."""
    value = getattr(settings, attribute)
    if attribute == "default_reply_to":
        return [mailbox.addr_spec for mailbox in value]
    return getattr(value, "addr_spec", value)


def read(**config):
    """Return the state that the settings make."""
    return Mail().init_mail(config)


def refusal(**config):
    """Return the text of the error that the settings make."""
    with pytest.raises(ConfigError) as caught:
        read(**config)
    return str(caught.value)


class TestValues:
    """What a key sets."""

    @pytest.mark.parametrize(
        "attribute, default",
        [
            ("server", "localhost"),
            ("port", 25),
            ("use_tls", False),
            ("use_ssl", False),
            ("username", None),
            ("password", None),
            ("default_sender", None),
            ("max_emails", None),
            ("suppress", False),
            ("ascii_attachments", False),
            ("timeout", 30.0),
            ("tls_verify", True),
            ("tls_ca_file", None),
            ("tls_cert_file", None),
            ("tls_key_file", None),
            ("tls_context", None),
            ("local_hostname", None),
            ("message_id_domain", None),
            ("envelope_from", None),
            ("default_reply_to", None),
            ("default_headers", None),
            ("subject_prefix", ""),
            ("text_from_html", True),
            ("auth", None),
            ("oauth2_token", None),
            ("allow_plaintext_auth", False),
            ("backend", "smtp"),
            ("fail_silently", False),
        ],
    )
    def test_defaults(self, attribute, default):
        """Without a key, its attribute has the documented default."""
        assert getattr(read(), attribute) == default

    @pytest.mark.parametrize(
        "key, attribute, value",
        [
            ("MAIL_TIMEOUT", "timeout", 5),
            ("MAIL_TIMEOUT", "timeout", None),
            ("MAIL_TLS_VERIFY", "tls_verify", False),
            ("MAIL_TLS_CA_FILE", "tls_ca_file", "ca.pem"),
            ("MAIL_TLS_CERT_FILE", "tls_cert_file", "cert.pem"),
            ("MAIL_TLS_KEY_FILE", "tls_key_file", "key.pem"),
            ("MAIL_TLS_CONTEXT", "tls_context", CONTEXT),
            ("MAIL_TLS_CONTEXT", "tls_context", ssl.create_default_context),
            ("MAIL_LOCAL_HOSTNAME", "local_hostname", "app.example.org"),
            ("MAIL_LOCAL_HOSTNAME", "local_hostname", "[192.0.2.1]"),
            ("MAIL_MESSAGE_ID_DOMAIN", "message_id_domain", "example.org"),
            ("MAIL_ENVELOPE_FROM", "envelope_from", "bounce@example.org"),
            ("MAIL_ENVELOPE_FROM", "envelope_from", "<>"),
            ("MAIL_DEFAULT_REPLY_TO", "default_reply_to", "help@example.org"),
            ("MAIL_DEFAULT_REPLY_TO", "default_reply_to", ["help@example.org", ("Ann", "ann@example.org")]),
            ("MAIL_DEFAULT_HEADERS", "default_headers", {"X-Shop": "1", "X-Many": ["a", "b"]}),
            ("MAIL_SUBJECT_PREFIX", "subject_prefix", "[Shop] "),
            ("MAIL_TEXT_FROM_HTML", "text_from_html", False),
            ("MAIL_AUTH", "auth", "PLAIN"),
            ("MAIL_AUTH", "auth", answer),
            ("MAIL_OAUTH2_TOKEN", "oauth2_token", "t0ken"),
            ("MAIL_OAUTH2_TOKEN", "oauth2_token", answer),
            ("MAIL_ALLOW_PLAINTEXT_AUTH", "allow_plaintext_auth", True),
            ("MAIL_BACKEND", "backend", "smtp"),
            ("MAIL_BACKEND", "backend", "shop.mail:open_host"),
            ("MAIL_BACKEND", "backend", answer),
            ("MAIL_FAIL_SILENTLY", "fail_silently", True),
        ],
    )
    def test_each_key_sets_its_attribute(self, key, attribute, value):
        """The value of a key is the attribute of the state."""
        assert getattr(read(**{key: value}), attribute) == value

    @pytest.mark.parametrize(
        "key, text, attribute, value",
        [
            ("MAIL_USE_TLS", "TRUE", "use_tls", True),
            ("MAIL_USE_TLS", " on ", "use_tls", True),
            ("MAIL_TLS_VERIFY", "no", "tls_verify", False),
            ("MAIL_TLS_VERIFY", "0", "tls_verify", False),
            ("MAIL_TEXT_FROM_HTML", "off", "text_from_html", False),
            ("MAIL_FAIL_SILENTLY", "yes", "fail_silently", True),
            ("MAIL_PORT", " 587 ", "port", 587),
            ("MAIL_TIMEOUT", "30.5", "timeout", 30.5),
            ("MAIL_TIMEOUT", "None", "timeout", None),
            ("MAIL_TIMEOUT", "", "timeout", 30.0),
            ("MAIL_MAX_EMAILS", "0", "max_emails", None),
            ("MAIL_MAX_EMAILS", "none", "max_emails", None),
            ("MAIL_DEBUG", "true", "debug", 1),
            ("MAIL_DEBUG", "2", "debug", 2),
            ("MAIL_DEBUG", "false", "debug", 0),
            ("MAIL_USERNAME", "", "username", None),
            ("MAIL_PASSWORD", "", "password", None),
            ("MAIL_TLS_CA_FILE", "", "tls_ca_file", None),
            ("MAIL_SUBJECT_PREFIX", "[Shop] ", "subject_prefix", "[Shop] "),
            ("MAIL_AUTH", "cram-md5", "auth", "CRAM-MD5"),
            ("MAIL_SERVER", " mail.example.org ", "server", "mail.example.org"),
            ("MAIL_SERVER", "[2001:db8::25]", "server", "2001:db8::25"),
            ("MAIL_DEFAULT_HEADERS", '{"X-Shop": "1"}', "default_headers", {"X-Shop": "1"}),
        ],
    )
    def test_text_means_what_a_person_means(self, key, text, attribute, value):
        """A value may come from the environment as text."""
        assert getattr(read(**{key: text}), attribute) == value

    def test_digits_are_a_password(self, monkeypatch):
        """A user name and a password of digits alone, which Flask reads as numbers, are text again."""
        monkeypatch.setenv("FLASK_MAIL_USERNAME", "1001")
        monkeypatch.setenv("FLASK_MAIL_PASSWORD", "4711")
        app = Flask(__name__)
        app.config.from_prefixed_env()

        state = Mail(app).state

        assert (state.username, state.password) == ("1001", "4711")

    def test_none_is_not_set(self):
        """A key that is None counts as absent, whatever its type."""
        state = read(MAIL_PORT=None, MAIL_USE_TLS=None, MAIL_SERVER=None, MAIL_BACKEND=None)

        assert (state.port, state.use_tls, state.server, state.backend) == (25, False, "localhost", "smtp")

    def test_a_path_may_be_a_path(self, tmp_path):
        """A file may be given as a path object."""
        assert read(MAIL_TLS_CA_FILE=tmp_path / "ca.pem").tls_ca_file == str(tmp_path / "ca.pem")

    def test_debug_follows_the_application(self):
        """Without MAIL_DEBUG, debugging is what the application's debug mode is."""
        app = Flask(__name__)
        app.debug = True

        assert Mail(app).state.debug == 1

    def test_mail_debug_wins(self):
        """MAIL_DEBUG overrules the application's debug mode."""
        app = Flask(__name__)
        app.debug = True
        app.config["MAIL_DEBUG"] = "no"

        assert Mail(app).state.debug == 0


class TestRefused:
    """What cannot be read."""

    @pytest.mark.parametrize(
        "key, value, text",
        [
            ("MAIL_PORT", "abc", "MAIL_PORT is 'abc'. Set it to a port number from 1 to 65535, such as 587."),
            ("MAIL_PORT", 0, "MAIL_PORT is 0. Set it to a port number from 1 to 65535, such as 587."),
            ("MAIL_PORT", 70000, "MAIL_PORT is 70000. Set it to a port number from 1 to 65535, such as 587."),
            ("MAIL_PORT", True, "MAIL_PORT is True. Set it to a port number from 1 to 65535, such as 587."),
            ("MAIL_USE_TLS", "maybe", "MAIL_USE_TLS is 'maybe'. Set it to True or False."),
            ("MAIL_USE_SSL", 1.5, "MAIL_USE_SSL is 1.5. Set it to True or False."),
            (
                "MAIL_TIMEOUT",
                -1,
                "MAIL_TIMEOUT is -1. Set it to a number of seconds above 0, or None for no limit.",
            ),
            (
                "MAIL_TIMEOUT",
                "soon",
                "MAIL_TIMEOUT is 'soon'. Set it to a number of seconds above 0, or None for no limit.",
            ),
            (
                "MAIL_TIMEOUT",
                "inf",
                "MAIL_TIMEOUT is 'inf'. Set it to a number of seconds above 0, or None for no limit.",
            ),
            (
                "MAIL_TIMEOUT",
                "nan",
                "MAIL_TIMEOUT is 'nan'. Set it to a number of seconds above 0, or None for no limit.",
            ),
            (
                "MAIL_TIMEOUT",
                True,
                "MAIL_TIMEOUT is True. Set it to a number of seconds above 0, or None for no limit.",
            ),
            (
                "MAIL_MAX_EMAILS",
                -1,
                "MAIL_MAX_EMAILS is -1. Set it to a number of messages, or None for no limit.",
            ),
            (
                "MAIL_SERVER",
                "mail.example.org:587",
                "MAIL_SERVER is 'mail.example.org:587'."
                ' Set it to a host name or address without a port, such as "smtp.example.com".',
            ),
            (
                "MAIL_LOCAL_HOSTNAME",
                "bücher.example",
                "MAIL_LOCAL_HOSTNAME is 'b\\xfccher.example'."
                ' Set it to a host name in ASCII, such as "app.example.com".',
            ),
            (
                "MAIL_MESSAGE_ID_DOMAIN",
                "a b",
                "MAIL_MESSAGE_ID_DOMAIN is 'a b'. Set it to a domain in ASCII, such as \"example.com\".",
            ),
            (
                "MAIL_DEFAULT_SENDER",
                "ann and bob",
                "MAIL_DEFAULT_SENDER is 'ann and bob'."
                ' Set it to an address, such as "Shop <shop@example.com>", or a pair.',
            ),
            (
                "MAIL_DEFAULT_SENDER",
                "<>",
                "MAIL_DEFAULT_SENDER is '<>'."
                ' Set it to an address, such as "Shop <shop@example.com>", or a pair.',
            ),
            (
                "MAIL_ENVELOPE_FROM",
                "a@b\r\nRCPT TO:<c@d>",
                "MAIL_ENVELOPE_FROM is 'a@b\\r\\nRCPT TO:<c@d>'."
                ' Set it to an address, or "<>" for no bounces.',
            ),
            (
                "MAIL_DEFAULT_REPLY_TO",
                ["a@example.org", "b c"],
                "MAIL_DEFAULT_REPLY_TO is ['a@example.org', 'b c']. Set it to an address, or a list of them.",
            ),
            ("MAIL_TLS_CA_FILE", 5, "MAIL_TLS_CA_FILE is 5. Set it to the path of a file."),
            (
                "MAIL_TLS_CONTEXT",
                "yes",
                "MAIL_TLS_CONTEXT is 'yes'. Set it to an ssl.SSLContext, or a callable that returns one.",
            ),
            (
                "MAIL_AUTH",
                "GSSAPI",
                'MAIL_AUTH is \'GSSAPI\'. Set it to "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", or a callable.',
            ),
            (
                "MAIL_BACKEND",
                "print",
                'MAIL_BACKEND is \'print\'. Set it to "smtp", a "package.module:callable", or a callable.',
            ),
        ],
    )
    def test_key_value_expectation(self, key, value, text):
        """A value that cannot be read is an error at once: key, value, expectation."""
        assert refusal(**{key: value}) == text

    @pytest.mark.parametrize(
        "headers, detail",
        [
            ({"X-Shop": "a\nb"}, "X-Shop contains the character '\\n'"),
            ({"X-Shop": ["a", "b\x00"]}, "X-Shop contains the character '\\x00'"),
            ({"X Shop": "1"}, "'X Shop' is not a valid header name"),
            ({"Bcc": "archive@example.org"}, "Bcc cannot be a default header"),
            ({"content-type": "text/html"}, "content-type cannot be a default header"),
        ],
    )
    def test_headers_are_checked(self, headers, detail):
        """A default header that could start another one is refused by name."""
        assert detail in refusal(MAIL_DEFAULT_HEADERS=headers)

    def test_headers_are_a_dict(self):
        """Default headers that are no dict are refused."""
        assert "Set it to a dict of header names and values" in refusal(MAIL_DEFAULT_HEADERS=["X-Shop"])

    def test_prefix_is_checked(self):
        """A subject prefix that could start another header is refused."""
        assert "Set it to text on one line" in refusal(MAIL_SUBJECT_PREFIX="[Shop]\nBcc: eve@example.org")

    def test_all_faults_in_one(self):
        """Every key that cannot be read is named in one error, a line each."""
        text = refusal(MAIL_PORT="abc", MAIL_USE_TLS="maybe", MAIL_URL="http://mail.example.org")

        assert [line.split()[0] for line in text.splitlines()] == ["MAIL_URL", "MAIL_PORT", "MAIL_USE_TLS"]

    @pytest.mark.parametrize("key", ["MAIL_PASSWORD", "MAIL_OAUTH2_TOKEN"])
    def test_secrets_are_not_shown(self, key):
        """A secret that cannot be read is described by its type."""
        text = refusal(**{key: ["s3cret"]})

        assert text.startswith(f"{key} is a list. Set it to text")
        assert "s3cret" not in text

    def test_init_app_refuses(self, make_app):
        """The error comes from init_app, and the application is not initialised."""
        app = make_app(MAIL_PORT="abc")

        with pytest.raises(ConfigError, match="MAIL_PORT"):
            Mail().init_app(app)

        assert "mail" not in app.extensions

    def test_an_old_key_is_named_as_typed(self):
        """A value under an old key that cannot be read is named by that key."""
        assert refusal(DEFAULT_MAX_EMAILS="many").startswith("DEFAULT_MAX_EMAILS is 'many'.")


class TestURL:
    """MAIL_URL."""

    @pytest.mark.parametrize(
        "url, expected",
        [
            ("smtp://mail.example.org", ("mail.example.org", 25, None, None, False, False)),
            ("smtp://mail.example.org:2525/", ("mail.example.org", 2525, None, None, False, False)),
            ("smtps://mail.example.org", ("mail.example.org", 465, None, None, False, True)),
            ("smtps://mail.example.org:587", ("mail.example.org", 587, None, None, False, True)),
            (
                "smtp://user:pass@mail.example.org:587?tls=starttls",
                ("mail.example.org", 587, "user", "pass", True, False),
            ),
            ("smtp://mail.example.org?tls=none", ("mail.example.org", 25, None, None, False, False)),
            (
                "smtp://ann%40example.org:p%2F%40%3A%3F%23s@mail.example.org",
                ("mail.example.org", 25, "ann@example.org", "p/@:?#s", False, False),
            ),
            ("smtp://[2001:db8::25]:2525", ("2001:db8::25", 2525, None, None, False, False)),
        ],
        ids=["host", "port", "smtps", "smtps-port", "all", "no-tls", "encoded", "ipv6"],
    )
    def test_parts(self, url, expected):
        """Scheme, host, port, credentials and TLS are read from the URL."""
        state = read(MAIL_URL=url)

        found = (state.server, state.port, state.username, state.password, state.use_tls, state.use_ssl)
        assert found == expected

    def test_timeout(self):
        """The URL may hold the timeout."""
        assert read(MAIL_URL="smtp://mail.example.org?timeout=2.5").timeout == 2.5

    def test_explicit_keys_win(self):
        """A key of its own overrules its part of the URL."""
        state = read(
            MAIL_URL="smtps://user:pass@mail.example.org",
            MAIL_SERVER="other.example.org",
            MAIL_PASSWORD="other",
        )

        assert (state.server, state.username, state.password, state.use_ssl) == (
            "other.example.org",
            "user",
            "other",
            True,
        )

    def test_empty_keys_do_not_win(self):
        """A key that is None or empty leaves the URL's part as it is."""
        state = read(MAIL_URL="smtp://mail.example.org:2525", MAIL_SERVER="", MAIL_PORT=None)

        assert (state.server, state.port) == ("mail.example.org", 2525)

    def test_an_empty_url_is_not_set(self):
        """An empty URL says nothing."""
        assert read(MAIL_URL="").server == "localhost"

    @pytest.mark.parametrize(
        "url",
        [
            "mail.example.org",
            "http://user:s3cret@mail.example.org",
            "smtp://",
            "smtp://user:s3cret@",
            "smtp://user:s3/cret@mail.example.org",
            "smtp://user:s3#cret@mail.example.org",
            "smtp://user:25?s3=cret@mail.example.org",
            "smtp://user:s3cret@mail.example.org:port",
            "smtp://user:s3cret@mail.example.org:70000",
            "smtp://user:s3cret@mail.example.org:0",
            "smtp://user:s3cret@mail.example.org/path",
            "smtp://user:s3cret%00@mail.example.org",
            587,
        ],
    )
    def test_refused(self, url):
        """A URL that cannot be read is refused with its form, and without the password."""
        text = refusal(MAIL_URL=url)

        assert text.startswith(
            'MAIL_URL is not a valid URL. Write "smtp://user:password@host:587?tls=starttls" or'
        )
        assert "cret" not in text

    @pytest.mark.parametrize(
        "option", ["tls=yes", "tsl=starttls", "timeout=0", "timeout=", "password=s3cret"]
    )
    def test_refused_option(self, option):
        """An option that is not known, or has no such value, is named, and the known ones with it."""
        text = refusal(MAIL_URL=f"smtp://mail.example.org?{option}")

        assert text == (
            f"MAIL_URL has an invalid option '{option.partition('=')[0]}'."
            " The options are tls=starttls and tls=none (for smtp:), and timeout=SECONDS."
        )

    def test_starttls_is_for_smtp(self):
        """smtps has TLS already: tls=starttls with it is refused."""
        assert "MAIL_URL has an invalid option 'tls'" in refusal(
            MAIL_URL="smtps://mail.example.org?tls=starttls"
        )


class TestOldKeys:
    """The keys of the first documentation."""

    @pytest.mark.parametrize(
        "old, new, value, attribute",
        [
            ("DEFAULT_MAIL_SENDER", "MAIL_DEFAULT_SENDER", "old@example.org", "default_sender"),
            ("DEFAULT_MAX_EMAILS", "MAIL_MAX_EMAILS", 7, "max_emails"),
        ],
    )
    def test_work_and_warn(self, old, new, value, attribute):
        """An old key works, and warns with the name that it has now."""
        with pytest.warns(DeprecationWarning, match=f"^{old} is deprecated: rename it to {new}.$"):
            state = read(**{old: value})

        assert getattr(state, attribute) == value

    @pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER is")
    def test_the_new_key_wins(self):
        """When both are set, the new one counts."""
        state = read(DEFAULT_MAIL_SENDER="old@example.org", MAIL_DEFAULT_SENDER="new@example.org")

        assert state.default_sender == "new@example.org"

    @pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER is")
    def test_an_empty_new_key_does_not_win(self):
        """A new key that is None leaves the old one's value."""
        state = read(DEFAULT_MAIL_SENDER="old@example.org", MAIL_DEFAULT_SENDER=None)

        assert state.default_sender == "old@example.org"

    def test_an_unset_old_key_does_not_warn(self):
        """An old key that is None is not set, and warns of nothing."""
        assert read(DEFAULT_MAIL_SENDER=None).default_sender is None

    def test_the_warning_is_at_the_caller(self, make_app):
        """The warning points at the program's own line, or Python would hide it."""
        with pytest.warns(DeprecationWarning, match="DEFAULT_MAX_EMAILS") as caught:
            Mail(make_app(DEFAULT_MAX_EMAILS=7))

        assert [found.filename for found in caught] == [__file__]


class TestUnknownKeys:
    """Keys that are no setting."""

    @pytest.mark.parametrize(
        "typed, meant",
        [
            ("MAIL_USERNAM", "MAIL_USERNAME"),
            ("MAIL_USE_STARTTLS", "MAIL_USE_TLS"),
            ("MAIL_PASSWD", "MAIL_PASSWORD"),
            ("MAIL_SUPRESS_SEND", "MAIL_SUPPRESS_SEND"),
            ("MAIL_URI", "MAIL_URL"),
        ],
    )
    def test_near_a_known_one(self, typed, meant):
        """A key close to a known one warns with its name; its value is not shown."""
        with pytest.warns(
            ConfigWarning, match=f"^{typed} is not a setting of Flask-Mail. Did you mean {meant}"
        ):
            read(**{typed: "s3cret"})

    def test_far_from_any(self):
        """A key of another extension that is like none of ours is no matter of ours."""
        read(MAIL_TEMPLATE_FOLDER="mails", MAILGUN_KEY="x", EMAIL_PORT="25")

    def test_the_warning_is_at_the_caller(self, make_app):
        """The warning points at the program's own line."""
        with pytest.warns(ConfigWarning) as caught:
            Mail(make_app(MAIL_USERNAM="user"))

        assert [found.filename for found in caught] == [__file__]


class TestOnlyForAConnection:
    """What matters to nothing but a connection: warned of at init_app, refused when one is opened."""

    FAULTS = pytest.mark.parametrize(
        "settings, fault",
        [
            (
                {"MAIL_USE_TLS": True, "MAIL_USE_SSL": True},
                "MAIL_USE_SSL and MAIL_USE_TLS are both on."
                " Keep MAIL_USE_SSL for port 465 or MAIL_USE_TLS for port 587.",
            ),
            (
                {"MAIL_URL": "smtps://mail.example.org", "MAIL_USE_TLS": "yes"},
                "MAIL_USE_SSL and MAIL_USE_TLS are both on."
                " Keep MAIL_USE_SSL for port 465 or MAIL_USE_TLS for port 587.",
            ),
            (
                {"MAIL_USERNAME": "user"},
                "MAIL_USERNAME is set, but MAIL_PASSWORD is not."
                " Set both, or neither for a server without authentication.",
            ),
            (
                {"MAIL_PASSWORD": "s3cret"},
                "MAIL_PASSWORD is set, but MAIL_USERNAME is not."
                " Set both, or neither for a server without authentication.",
            ),
            (
                {"MAIL_OAUTH2_TOKEN": "s3cret"},
                "MAIL_OAUTH2_TOKEN is set, but MAIL_USERNAME is not."
                " Set both, or neither for a server without authentication.",
            ),
            (
                {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret", "MAIL_AUTH": "XOAUTH2"},
                "MAIL_USERNAME is set, but MAIL_OAUTH2_TOKEN is not."
                " Set both, or neither for a server without authentication.",
            ),
            (
                {"MAIL_TLS_CA_FILE": "/nowhere/ca.pem"},
                "MAIL_TLS_CA_FILE is '/nowhere/ca.pem', but there is no such file. Correct the path.",
            ),
            (
                {"MAIL_TLS_CERT_FILE": "/nowhere/cert.pem"},
                "MAIL_TLS_CERT_FILE is '/nowhere/cert.pem', but there is no such file. Correct the path.",
            ),
            (
                {"MAIL_TLS_KEY_FILE": __file__},
                "MAIL_TLS_KEY_FILE is set, but MAIL_TLS_CERT_FILE is not."
                " Set it to the certificate of the key.",
            ),
        ],
        ids=[
            "tls-and-ssl", "url-and-tls", "no-password", "no-user", "token-without-user", "no-token",
            "no-ca-file", "no-cert-file", "key-alone",
        ],
    )  # fmt: skip

    @FAULTS
    def test_warned_of(self, make_app, settings, fault):
        """init_app warns at the program's own line and initialises the application."""
        app = make_app(**settings)

        with pytest.warns(ConfigWarning) as caught:
            Mail().init_app(app)

        assert [(str(found.message), found.filename) for found in caught] == [
            (f"{fault} No connection can be opened until this is corrected.", __file__)
        ]
        assert "mail" in app.extensions

    @FAULTS
    @pytest.mark.filterwarnings("ignore::flask_mail.ConfigWarning")
    def test_refused_when_opened(self, make_app, message, settings, fault):
        """Opening a connection raises ConfigError with the same words."""
        mail = Mail(make_app(**settings))

        with pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert str(caught.value) == fault

    @FAULTS
    @pytest.mark.filterwarnings("ignore::flask_mail.ConfigWarning")
    def test_no_matter_while_suppressed(self, make_app, message, dispatched, settings, fault):
        """While sending is suppressed nothing is refused: a test environment needs no secrets."""
        mail = Mail(make_app(TESTING=True, **settings))

        mail.send(message)

        assert len(dispatched) == 1

    @pytest.mark.filterwarnings("ignore::flask_mail.ConfigWarning")
    def test_all_faults_in_one(self, make_app, message):
        """Everything that is wrong is in one error."""
        mail = Mail(make_app(MAIL_USE_TLS=True, MAIL_USE_SSL=True, MAIL_USERNAME="user"))

        with pytest.raises(ConfigError) as caught:
            mail.send(message)

        assert [line.split()[0] for line in str(caught.value).splitlines()] == [
            "MAIL_USE_SSL",
            "MAIL_USERNAME",
        ]

    def test_no_matter_to_another_backend(self, make_app):
        """A backend of the program's own gets the settings as they are, without a warning."""
        state = Mail(make_app(MAIL_BACKEND=answer, MAIL_USERNAME="user")).state

        assert state.username == "user"

    def test_no_matter_to_a_sign_in_of_ones_own(self, make_app):
        """A callable that signs in may need no password."""
        assert Mail(make_app(MAIL_AUTH=answer, MAIL_USERNAME="user")).state.auth is answer


class TestFollowing:
    """The settings follow the configuration."""

    @pytest.mark.parametrize(
        "key, value, attribute",
        [
            ("MAIL_SERVER", "late.example.org", "server"),
            ("MAIL_PORT", 2525, "port"),
            ("MAIL_TIMEOUT", None, "timeout"),
            ("MAIL_DEFAULT_SENDER", "late@example.org", "default_sender"),
            ("MAIL_SUPPRESS_SEND", True, "suppress"),
        ],
    )
    def test_a_late_key_counts(self, make_app, key, value, attribute):
        """A key set after init_app is taken over at the next use."""
        app = make_app()
        state = Mail(app).state
        app.config[key] = value

        state.snapshot()

        assert getattr(state, attribute) == value

    def test_a_removed_key_counts(self, make_app):
        """A key that is taken away leaves the default."""
        app = make_app(MAIL_PORT=2525)
        state = Mail(app).state
        del app.config["MAIL_PORT"]

        state.snapshot()

        assert state.port == 25

    def test_a_value_set_by_hand_stays(self, make_app):
        """An attribute that was set by hand is kept while other keys change."""
        app = make_app()
        state = Mail(app).state
        state.server = "hand.example.org"
        app.config["MAIL_PORT"] = 2525

        state.snapshot()

        assert (state.server, state.port) == ("hand.example.org", 2525)

    def test_the_latest_change_wins(self, make_app):
        """An attribute that was set by hand gives way when its own key changes."""
        app = make_app(MAIL_SERVER="first.example.org")
        state = Mail(app).state
        state.server = "hand.example.org"
        app.config["MAIL_SERVER"] = "late.example.org"

        state.snapshot()

        assert state.server == "late.example.org"

    def test_a_late_fault_is_an_error(self, server, make_app, message):
        """A late value that cannot be read is an error at the next send, and the old values stay."""
        app = make_app(**server.config)
        mail = Mail(app)
        app.config["MAIL_PORT"] = "abc"

        with pytest.raises(ConfigError, match="MAIL_PORT is 'abc'"):
            mail.send(message)

        assert mail.state.port == server.port

    def test_the_next_message_goes_to_the_late_server(self, server, make_app, message):
        """What was configured after init_app is where the next message goes."""
        app = make_app(MAIL_SERVER="elsewhere.invalid")
        mail = Mail(app)
        app.config.update(server.config)

        mail.send(message)

        assert len(server.mails) == 1

    @pytest.mark.filterwarnings("ignore:DEFAULT_MAX_EMAILS is")
    def test_old_keys_warn_once(self, make_app):
        """A change of the configuration does not repeat the warning of an old key."""
        app = make_app(DEFAULT_MAX_EMAILS=7)
        state = Mail(app).state
        app.config["MAIL_PORT"] = 2525

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            state.snapshot()

        assert (state.max_emails, state.port) == (7, 2525)

    def test_an_explicit_default_is_a_change(self, make_app):
        """A key that is set for the first time counts, also if its value is the default."""
        app = make_app()
        state = Mail(app).state
        state.port = 2525
        app.config["MAIL_PORT"] = 25

        assert state.snapshot().port == state.port == 25

    @pytest.mark.parametrize("value", [2525, "2525"])
    def test_set_by_hand_and_read(self, make_app, value):
        """An attribute that is set by hand is read as its key would be."""
        state = Mail(make_app()).state
        state.port = value

        assert state.snapshot().port == 2525

    @EVERY_TEXT
    def test_nonsense_by_hand(self, make_app, key, attribute, text, other, nonsense):
        """An attribute that is set by hand to what cannot be read is an error at the next sending."""
        app = make_app(TESTING=True)
        mail = Mail(app)
        setattr(mail.state, attribute, nonsense)

        with pytest.raises(ConfigError, match=f"^The attribute {attribute} is "):
            mail.send_message("Hi", ["ann@example.org"])

    @EVERY_TEXT
    def test_nothing_by_hand(self, key, attribute, text, other, nonsense):
        """An attribute that is set by hand to an empty text has its default, whatever the key says."""
        state = read(**{key: text})
        setattr(state, attribute, "")

        assert getattr(state.snapshot(), attribute) == getattr(_Mail().snapshot(), attribute)

    def test_any_attribute_by_hand(self, make_app):
        """An attribute that Flask-Mail 0.10 did not have may be set by hand, and gives way to its key."""
        app = make_app()
        state = Mail(app).state

        state.timeout = 3
        by_hand = (state.timeout, state.snapshot().timeout)
        app.config["MAIL_TIMEOUT"] = 5
        late = state.snapshot().timeout

        assert (by_hand, late, state.timeout) == ((3, 3), 5, 5)

    def test_a_removed_attribute(self):
        """An attribute that is taken away by hand has what the configuration says."""
        state = read(MAIL_PORT=2525)
        state.port = 26

        del state.port

        assert state.snapshot().port == state.port == 2525

    def test_the_default_sender_alone(self, make_app):
        """A message follows the default sender, and no other key has to be readable for it."""
        app = make_app()
        Mail(app)
        app.config["MAIL_DEFAULT_SENDER"] = "late@example.org"

        with app.app_context():
            assert Message("Hi").sender == "late@example.org"

    @pytest.mark.parametrize(
        "change",
        [
            lambda app, state: app.config.update(MAIL_DEFAULT_SENDER="late@example.org"),
            lambda app, state: setattr(state, "default_sender", "late@example.org"),
            lambda app, state: setattr(state, "default_sender", LazyText("late@example.org")),
            lambda app, state: app.config.update(MAIL_DEFAULT_SENDER=["", "late@example.org"]),
        ],
        ids=["key", "by-hand", "lazy-by-hand", "list"],
    )
    def test_the_sender_of_a_message_without_one(self, make_app, change):
        """What a message without a sender shows follows the key and the attribute."""
        app = make_app()
        state = Mail(app).state
        first = state._default_sender()

        change(app, state)

        assert (first, state._default_sender()) == ("shop@example.org", "late@example.org")

    @pytest.mark.filterwarnings("ignore:DEFAULT_MAIL_SENDER is")
    def test_the_sender_by_its_old_key(self):
        """What a message without a sender shows follows the key of old."""
        config = {"DEFAULT_MAIL_SENDER": "old@example.org"}
        state = Mail().init_mail(config)
        config["DEFAULT_MAIL_SENDER"] = "older@example.org"

        assert state._default_sender() == "older@example.org"


class TestReadOnce:
    """What a value says when it is read is checked, and is what is used; a later change is read anew."""

    def test_every_key(self):
        """The table has each key that may be text."""
        assert set(TEXTS) == {*KEYS, "MAIL_URL"} - {"MAIL_TLS_CONTEXT"}

    @EVERY_TEXT
    def test_text_that_changes_between_reads(self, key, attribute, text, other, nonsense):
        """A text that says something else when it is asked again is used as it was when it was checked."""
        value = LazyText(text, nonsense)

        state = read(**{key: value})

        assert value.asked == 1
        assert meaning(state._seen.settings, attribute) == meaning(read(**{key: text}).snapshot(), attribute)

    @EVERY_TEXT
    def test_text_that_turns_to_nonsense(self, key, attribute, text, other, nonsense):
        """A text that says later what cannot be read is an error at the next sending."""
        state = read(**{key: LazyText(text, nonsense)})

        with pytest.raises(ConfigError, match=key):
            state.snapshot()

    @EVERY_TEXT
    def test_text_that_is_changed_in_place(self, key, attribute, text, other, nonsense):
        """A text that says something else by now counts from the next sending on."""
        value = LazyText(text)
        state = read(**{key: value})
        before = state.snapshot()
        value.texts = (other,)

        after = state.snapshot()

        assert meaning(after, attribute) == meaning(read(**{key: other}).snapshot(), attribute)
        assert meaning(before, attribute) == meaning(read(**{key: text}).snapshot(), attribute)

    @EVERY_TEXT
    def test_text_that_lies(self, key, attribute, text, other, nonsense):
        """What a string is counts, and not what the methods of its class say."""
        told = meaning(read(**{key: LyingText(text)}).snapshot(), attribute)

        assert repr(told) == repr(meaning(read(**{key: text}).snapshot(), attribute))
        assert type(told) is not LyingText

    @EVERY_TEXT
    def test_nonsense_that_lies(self, key, attribute, text, other, nonsense):
        """A string that cannot be read is refused, whatever the methods of its class say."""
        assert key in refusal(**{key: LyingText(nonsense)})

    @EVERY_TEXT
    def test_text_behind_a_proxy(self, key, attribute, text, other, nonsense):
        """A proxy of a text is read as the text behind it."""
        proxied = meaning(read(**{key: LocalProxy(lambda: text)}).snapshot(), attribute)

        assert repr(proxied) == repr(meaning(read(**{key: text}).snapshot(), attribute))

    @EVERY_TEXT
    def test_text_by_hand_that_is_changed_in_place(self, key, attribute, text, other, nonsense):
        """A text that was set by hand counts as it is at the next sending."""
        how = "one.example.org" if key == "MAIL_URL" else text
        value = LazyText(how)
        state = read()
        setattr(state, attribute, value)
        state.snapshot()
        value.texts = (nonsense,)

        with pytest.raises(ConfigError, match=f"{attribute}"):
            state.snapshot()

    @pytest.mark.parametrize(
        "key, make, change, expected",
        [
            (
                "MAIL_DEFAULT_SENDER",
                lambda: ["Shop", "a@example.org"],
                lambda pair: pair.__setitem__(1, "b@example.org"),
                "b@example.org",
            ),
            (
                "MAIL_DEFAULT_SENDER",
                lambda: ("Shop", LazyText("a@example.org", "b@example.org")),
                lambda pair: None,
                "b@example.org",
            ),
            (
                "MAIL_ENVELOPE_FROM",
                lambda: ["", "a@example.org"],
                lambda pair: pair.__setitem__(1, "b@example.org"),
                "b@example.org",
            ),
            (
                "MAIL_DEFAULT_REPLY_TO",
                lambda: ["a@example.org"],
                lambda several: several.append("b@example.org"),
                ["a@example.org", "b@example.org"],
            ),
            (
                "MAIL_DEFAULT_REPLY_TO",
                lambda: [["Ann", "a@example.org"]],
                lambda several: several[0].__setitem__(1, "b@example.org"),
                ["b@example.org"],
            ),
            (
                "MAIL_DEFAULT_REPLY_TO",
                lambda: deque(["a@example.org"]),
                lambda several: several.append("b@example.org"),
                ["a@example.org", "b@example.org"],
            ),
            (
                "MAIL_DEFAULT_REPLY_TO",
                lambda: {"b@example.org"},
                lambda several: several.add("a@example.org"),
                ["a@example.org", "b@example.org"],
            ),
            (
                "MAIL_DEFAULT_HEADERS",
                lambda: {"X-A": "1"},
                lambda headers: headers.update({"X-B": 2}),
                (("X-A", "1"), ("X-B", "2")),
            ),
            (
                "MAIL_DEFAULT_HEADERS",
                lambda: {"X-A": ["1"]},
                lambda headers: headers["X-A"].append("2"),
                (("X-A", "1"), ("X-A", "2")),
            ),
            (
                "MAIL_DEFAULT_HEADERS",
                lambda: MappingProxyType({"X-A": LazyText("1", "2")}),
                lambda headers: None,
                (("X-A", "2"),),
            ),
        ],
        ids=[
            "sender-list", "sender-lazy", "return-path-list", "reply-to-list", "reply-to-list-of-lists",
            "reply-to-deque", "reply-to-set", "headers-dict", "headers-list", "headers-lazy",
        ],
    )  # fmt: skip
    def test_a_collection_that_is_changed_in_place(self, key, make, change, expected):
        """A list or dict of the configuration that is changed in place counts from the next sending on."""
        attribute, value = KEYS[key].attribute, make()
        state = read(**{key: value})
        before = state._seen.settings
        was = meaning(before, attribute)
        change(value)

        after = meaning(state.snapshot(), attribute)

        assert after == expected
        assert meaning(before, attribute) == was != after

    def test_a_list_in_the_place_of_its_equal(self):
        """A list that replaces an equal one is the one whose changes count."""
        config = {"MAIL_DEFAULT_REPLY_TO": ["a@example.org"]}
        state = Mail().init_mail(config)
        config["MAIL_DEFAULT_REPLY_TO"] = ["a@example.org"]
        config["OTHER"] = "changed"
        state.snapshot()

        config["MAIL_DEFAULT_REPLY_TO"].append("b@example.org")

        assert meaning(state.snapshot(), "default_reply_to") == ["a@example.org", "b@example.org"]

    @pytest.mark.parametrize(
        "settings, change",
        [
            (
                {"MAIL_DEFAULT_HEADERS": {}},
                lambda config: config["MAIL_DEFAULT_HEADERS"].update(Bcc="e@x.org"),
            ),
            (
                {"MAIL_DEFAULT_HEADERS": {"X-A": "1"}},
                lambda config: config["MAIL_DEFAULT_HEADERS"].update({"Resent-Bcc": "eve@example.org"}),
            ),
            (
                {"MAIL_DEFAULT_HEADERS": {"X-A": "1"}},
                lambda config: config["MAIL_DEFAULT_HEADERS"].update({"Content-Type": "text/html"}),
            ),
            (
                {"MAIL_DEFAULT_HEADERS": {"X-A": ["1"]}},
                lambda config: config["MAIL_DEFAULT_HEADERS"]["X-A"].append("2\r\nBcc: eve@example.org"),
            ),
            (
                {"MAIL_DEFAULT_REPLY_TO": ["ann@example.org"]},
                lambda config: config["MAIL_DEFAULT_REPLY_TO"].append("a@b\r\nBcc: eve@example.org"),
            ),
            (
                {"MAIL_DEFAULT_SENDER": ["Shop", "shop@example.org"]},
                lambda config: config["MAIL_DEFAULT_SENDER"].__setitem__(0, "Shop\r\nBcc: eve@example.org"),
            ),
        ],
        ids=["bcc", "resent-bcc", "content-type", "header-value", "reply-to", "sender"],
    )
    def test_nothing_unread_is_sent(self, server, mail_to, settings, change):
        """What was changed in place to what is no setting is refused before anything is sent."""
        mail = mail_to(server, **settings)
        change(mail.app.config)

        with pytest.raises(ConfigError):
            mail.send_message("Hi", ["ann@example.org"])

        assert server.sessions == []

    def test_what_was_changed_in_place_is_sent(self, server, mail_to):
        """A default header that is added in place is in the next message."""
        mail = mail_to(server, MAIL_DEFAULT_HEADERS={})
        mail.app.config["MAIL_DEFAULT_HEADERS"]["X-Shop"] = "yes"

        mail.send_message("Hi", ["ann@example.org"])

        assert server.mails[0].mime["X-Shop"] == "yes"

    def test_a_generator_is_no_setting(self):
        """What can be read only once is refused at once rather than at the first message."""
        assert "Set it to an address, or a list of them" in refusal(
            MAIL_DEFAULT_REPLY_TO=(one for one in ["a@example.org"])
        )

    @pytest.mark.parametrize("kind", [tuple, list])
    def test_a_pair_to_answer_to(self, kind):
        """Two addresses are a pair if they are a tuple, as in a message, and two in a list."""
        state = read(MAIL_DEFAULT_REPLY_TO=kind(["ann@example.org", "bob@example.org"]))

        assert meaning(state.snapshot(), "default_reply_to") == (
            ["bob@example.org"] if kind is tuple else ["ann@example.org", "bob@example.org"]
        )

    def test_an_error_in_a_lazy_text(self):
        """An error of a text that is asked for is the caller's to see."""
        value = LazyText("a@example.org")
        state = read(MAIL_DEFAULT_SENDER=value)
        value.texts = ()

        with pytest.raises(IndexError):
            state.snapshot()


class TestSnapshot:
    """state.snapshot(), the settings of one moment."""

    def test_the_same_until_something_is_changed(self, make_app):
        """As long as nothing is changed the snapshot is the same object."""
        state = Mail(make_app(MAIL_DEFAULT_REPLY_TO=["a@example.org"])).state

        assert state.snapshot() is state.snapshot()

    def test_the_same_while_others_change(self, make_app):
        """A key of somebody else's makes no other snapshot."""
        app = make_app()
        state = Mail(app).state
        before = state.snapshot()
        app.config["SHOP_NAME"] = "changed"

        assert state.snapshot() is before

    def test_never_changes(self, make_app):
        """A snapshot that was taken stays as it is when configuration and state change."""
        app = make_app()
        state = Mail(app).state
        before = state.snapshot()
        app.config["MAIL_SERVER"] = "late.example.org"
        state.port = 2525

        after = state.snapshot()

        assert (before.server, before.port) == ("localhost", 25)
        assert (after.server, after.port) == ("late.example.org", 2525)

    def test_cannot_be_changed(self):
        """A value of a snapshot cannot be set."""
        with pytest.raises(AttributeError):
            read().snapshot().port = 26

    def test_begins_as_0_10(self):
        """The first eleven values are those of Flask-Mail 0.10, in its order."""
        assert read().snapshot()._fields[:11] == tuple(vars(_Mail()))

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
    def test_copied(self, duplicate):
        """A copy is the snapshot itself."""
        settings = read(MAIL_PASSWORD="s3cret", MAIL_TLS_CONTEXT=CONTEXT).snapshot()

        assert duplicate(settings) is settings

    def test_secrets(self):
        """Neither its text nor its pickle has a secret."""
        state = read(MAIL_USERNAME="user", MAIL_PASSWORD="s3cret", MAIL_OAUTH2_TOKEN="t0ken")
        settings = state.snapshot()

        twin = pickle.loads(pickle.dumps(settings))

        assert (twin.username, twin.password, twin.oauth2_token) == ("user", None, None)
        assert repr(settings) == "<Settings localhost:25>"
        assert "s3cret" not in repr((state._seen, state._seen.configured, settings))

    def test_consistent_in_every_thread(self):
        """While the configuration changes each snapshot is of one moment, in every thread."""
        first = {
            "MAIL_SERVER": "one.example.org",
            "MAIL_USERNAME": "one",
            "MAIL_PASSWORD": "one",
            "MAIL_PORT": 1,
        }
        other = {
            "MAIL_SERVER": "two.example.org",
            "MAIL_USERNAME": "two",
            "MAIL_PASSWORD": "two",
            "MAIL_PORT": 2,
        }
        config = dict(first)
        state = Mail().init_mail(config)
        stop, found = threading.Event(), set()

        def look():
            while not stop.is_set():
                settings = state.snapshot()
                found.add((settings.server, settings.username, settings.password, settings.port))

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for changed in [other, first] * 300:
            config.update(changed)
            state.snapshot()
        stop.set()
        for thread in threads:
            thread.join()

        assert found <= {("one.example.org", "one", "one", 1), ("two.example.org", "two", "two", 2)}
        assert state.snapshot().server == state.server == "one.example.org"


class TestConnectionKey:
    """settings.connection_key, which is equal for all settings that one host can serve."""

    @pytest.mark.parametrize(
        "key, value",
        [
            ("MAIL_SERVER", "two.example.org"),
            ("MAIL_PORT", 26),
            ("MAIL_USE_TLS", True),
            ("MAIL_USE_SSL", True),
            ("MAIL_USERNAME", "bob"),
            ("MAIL_PASSWORD", "s3cret"),
            ("MAIL_TIMEOUT", 3),
            ("MAIL_TLS_VERIFY", False),
            ("MAIL_TLS_CA_FILE", "ca.pem"),
            ("MAIL_TLS_CERT_FILE", "cert.pem"),
            ("MAIL_TLS_KEY_FILE", "key.pem"),
            ("MAIL_TLS_CONTEXT", CONTEXT),
            ("MAIL_LOCAL_HOSTNAME", "app.example.org"),
            ("MAIL_AUTH", "LOGIN"),
            ("MAIL_OAUTH2_TOKEN", answer),
            ("MAIL_ALLOW_PLAINTEXT_AUTH", True),
            ("MAIL_BACKEND", answer),
            ("MAIL_PIPELINING", False),
            ("MAIL_DEBUG", True),
        ],
    )
    def test_what_it_depends_on(self, key, value):
        """Another value of what a connection is opened with is another key."""
        assert read(**{key: value}).snapshot().connection_key != read().snapshot().connection_key

    def test_what_it_does_not_depend_on(self):
        """Other settings of messages need no other connection."""
        key = read(MAIL_DEFAULT_SENDER="a@example.org", MAIL_RETRIES=2).snapshot().connection_key

        assert key == read(MAIL_SUBJECT_PREFIX="[Shop] ").snapshot().connection_key

    def test_a_callable_without_a_hash(self):
        """A callable that has no hash, as dataclasses have none, is told from another one."""

        class Token:
            __hash__ = None

            def __call__(self):
                return "t0ken"

        tokens = Token(), Token()
        keys = [read(MAIL_OAUTH2_TOKEN=tokens[number]).snapshot().connection_key for number in (0, 0, 1)]

        assert hash(keys[0]) == hash(keys[1])
        assert keys[0] == keys[1] != keys[2]
