"""Mail and the state of an application: attributes, copies, pickles, and what they never show."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from flask_mail import _Mail
from flask_mail import ConfigError
from flask_mail import Mail
from flask_mail import Message
from flask_mail._config.settings import Settings

SECRETS = {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret", "MAIL_OAUTH2_TOKEN": "t0ken"}


class Shop(Mail):
    """A Mail with an attribute of its own, and a constructor that cannot be called without it."""

    def __init__(self, name, app=None):
        self.name = name
        super().__init__(app)


@pytest.fixture
def signed_in(make_app):
    """A Mail with secrets in its settings."""
    return Mail(make_app(**SECRETS))


class TestAttributes:
    """What can be read from a Mail, and set on it."""

    @pytest.mark.parametrize("mail", [Mail(), pytest.param(None, id="bound")])
    def test_an_unknown_name(self, make_app, mail):
        """An unknown name is an AttributeError, bound or not (item 31)."""
        mail = mail or Mail(make_app())

        with pytest.raises(AttributeError, match="no_such_name"):
            _ = mail.no_such_name

    def test_special_methods_are_not_invented(self, make_app):
        """What other libraries look for and do not find is not there."""
        assert not hasattr(Mail(make_app()), "__html__")
        assert not hasattr(Mail(), "_ipython_display_")

    def test_an_unknown_name_of_a_state(self, make_app):
        """A name that a state does not have is an AttributeError that says whose."""
        with pytest.raises(AttributeError, match=r"^'_Mail' object has no attribute 'no_such_name'$"):
            _ = Mail(make_app()).state.no_such_name

    def test_names_that_subclasses_may_use(self, make_app):
        """A state has three public names beside its settings and those of Mail."""
        names = set(dir(Mail(make_app()).state)) - set(dir(Mail)) - set(Settings._fields)

        assert {name for name in names if not name.startswith("_")} == {"app", "is_suppressed", "snapshot"}

    @pytest.mark.parametrize(
        "name", ["server", "port", "username", "default_sender", "suppress", "max_emails"]
    )
    def test_set_on_a_bound_mail(self, make_app, name):
        """An attribute that is set on a bound Mail is set on its state."""
        mail = Mail(make_app())

        setattr(mail, name, "changed")

        assert getattr(mail.app.extensions["mail"], name) == "changed"

    def test_set_on_an_unbound_mail(self, make_app):
        """An attribute that is set on an unbound Mail is set on each of its applications."""
        mail, first, second = Mail(), make_app(), make_app()
        mail.init_app(first)
        mail.init_app(second)

        mail.server = "changed.example.org"

        assert [app.extensions["mail"].server for app in (first, second)] == ["changed.example.org"] * 2

    def test_read_from_an_unbound_mail(self, make_app):
        """An unbound Mail has the attributes of the current application."""
        mail, app = Mail(), make_app(MAIL_SERVER="mail.example.org")
        mail.init_app(app)

        with app.app_context():
            assert mail.server == "mail.example.org"

    def test_read_without_a_context(self):
        """Without an application there is nothing to read, and the error says why."""
        with pytest.raises(ConfigError, match="Working outside of application context"):
            _ = Mail().server

    def test_initialised_again(self, make_app):
        """A bound Mail whose application is initialised again uses the new state."""
        app = make_app()
        mail = Mail(app)

        again = mail.init_app(app)

        assert mail.state is again is app.extensions["mail"]

    def test_initialised_for_another(self, make_app):
        """A bound Mail that initialises another application stays with its own."""
        app, other = make_app(), make_app()
        mail = Mail(app)

        mail.init_app(other)

        assert mail.state is app.extensions["mail"]
        assert other.extensions["mail"] is not mail.state

    def test_an_init_app_of_a_subclass(self, make_app):
        """An override of init_app that returns nothing still binds."""

        class Forgetful(Mail):
            """A Mail whose init_app returns nothing."""

            def init_app(self, app):
                super().init_app(app)

        app = make_app()

        assert Forgetful(app).state is app.extensions["mail"]


class TestCopies:
    """copy, deepcopy, pickle (FM#175)."""

    def test_copied(self, server, mail, message):
        """A copy is bound to the same application and sends."""
        twin = copy.copy(mail)

        twin.send(message)

        assert twin.app is mail.app
        assert len(server.mails) == 1

    @pytest.mark.parametrize(
        "duplicate",
        [copy.deepcopy, lambda mail: pickle.loads(pickle.dumps(mail))],
        ids=["deepcopy", "pickle"],
    )
    def test_duplicated(self, make_app, duplicate):
        """A deep copy, and what comes out of a pickle, is an unbound Mail of the same class."""
        twin = duplicate(Shop("shoes", make_app()))

        assert type(twin) is Shop
        assert (twin.name, twin.app, twin.state) == ("shoes", None, None)

    def test_duplicated_and_used(self, server, mail, message):
        """An unbound copy sends by the current application."""
        twin = pickle.loads(pickle.dumps(mail))

        with mail.app.app_context():
            twin.send(message)

        assert len(server.mails) == 1

    def test_a_copied_state(self, make_app):
        """A copy of a state has its attributes, set by hand or not, and follows the same configuration."""
        app = make_app(**SECRETS)
        state = Mail(app).state
        state.server = "hand.example.org"
        twin = copy.copy(state)
        app.config["MAIL_PORT"] = 2525

        twin.snapshot()

        assert (twin.server, twin.port, twin.password) == ("hand.example.org", 2525, "s3cret")
        assert (twin.app, state.port) == (app, 25)

    def test_a_pickled_state(self, signed_in):
        """What comes out of the pickle of a state has its settings but for the secrets."""
        signed_in.state.port = 2525

        twin = pickle.loads(pickle.dumps(signed_in.state))

        assert type(twin) is _Mail
        assert (twin.port, twin.username, twin.password, twin.oauth2_token) == (2525, "user", None, None)

    def test_a_pickled_state_beyond_0_10(self, make_app):
        """What Flask-Mail 0.10 did not have goes with the pickle, and counts."""
        state = Mail(make_app(MAIL_TIMEOUT=5, MAIL_DEFAULT_HEADERS={"X-Shop": "1"})).state

        twin = pickle.loads(pickle.dumps(state))

        assert (twin.timeout, twin.default_headers) == (5, {"X-Shop": "1"})
        assert twin.snapshot()._replace(default_sender=None) == state.snapshot()._replace(default_sender=None)

    def test_a_copy_of_a_subclass(self):
        """A copy of a state has the attributes of its class, without a call of its constructor."""

        class Own(_Mail):
            def __init__(self, name):
                super().__init__(server="mail.example.org")
                self.name = name

        twin = copy.copy(Own("shoes"))

        assert (type(twin), twin.name, twin.snapshot().server) == (Own, "shoes", "mail.example.org")


class TestSecrets:
    """Where a password never is."""

    @pytest.mark.parametrize("what", ["mail", "state"])
    def test_not_in_a_pickle(self, signed_in, what):
        """No pickle holds a password or a token."""
        pickled = pickle.dumps({"mail": signed_in, "state": signed_in.state}[what])

        assert b"s3cret" not in pickled
        assert b"t0ken" not in pickled

    @pytest.mark.parametrize("show", [repr, str], ids=["repr", "str"])
    def test_not_on_paper(self, signed_in, show):
        """What is printed of a Mail, its state or a connection has no secret and no user name."""
        shown = show(signed_in) + show(signed_in.state) + show(signed_in.connect())

        assert "s3cret" not in shown
        assert "t0ken" not in shown
        assert "user" not in shown

    def test_the_state_is_recognised(self, make_app):
        """A state shows where it sends to, and that it does not."""
        state = Mail(make_app(MAIL_SERVER="mail.example.org", MAIL_PORT=587, TESTING=True)).state

        assert repr(state) == "<_Mail mail.example.org:587 suppressed>"


class TestSending:
    """mail.send."""

    def test_in_a_thread(self, server, mail):
        """A bound Mail sends in a thread that has no context, messages made there included."""
        errors = []

        def send():
            try:
                mail.send(Message("Hi", ["ann@example.org"]))
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        thread.join()

        assert errors == []
        assert server.mails[0].mime["From"] == "shop@example.org"

    def test_by_the_state(self, server, mail, message):
        """``app.extensions["mail"]`` sends too."""
        assert mail.app.extensions["mail"].send(message).sent

    def test_where_bounces_go(self, server, mail, message):
        """``envelope_from`` may be given to mail.send."""
        mail.send(message, envelope_from="bounce@example.org")

        assert server.mails[0].envelope.mail_from == "bounce@example.org"

    def test_default_sender_on_the_wire(self, server, make_app):
        """The default sender may be a pair with a name that needs quoting."""
        mail = Mail(make_app(**server.config, MAIL_DEFAULT_SENDER=("Foo, Bar & Sons", "shop@example.org")))

        mail.send_message("Hi", ["ann@example.org"])

        [sent] = server.mails
        assert sent.envelope.mail_from == "shop@example.org"
        assert sent.mime["From"].addresses[0].display_name == "Foo, Bar & Sons"

    def test_no_sender(self, server, mail_to):
        """Without any sender the error names the setting, and the server hears nothing."""
        mail = mail_to(server, MAIL_DEFAULT_SENDER=None)

        with pytest.raises(AssertionError, match="or set MAIL_DEFAULT_SENDER"):
            mail.send_message("Hi", ["ann@example.org"])

        assert server.sessions == []
