"""``flask mail check``, ``send-test`` and ``settings``: what each shows, and what it never shows."""

from __future__ import annotations

import functools
import smtplib
import ssl
from types import SimpleNamespace

import click
import pytest
from flask import Flask
from flask.cli import ScriptInfo

from flask_mail import capture
from flask_mail import Connection
from flask_mail import Mail
from flask_mail import Message

TLS = pytest.mark.parametrize("tls", ["starttls", "implicit"])


@pytest.fixture
def run():
    """Return a function that runs ``flask mail ...`` for an application, as click's tests do."""
    return lambda app, *words: app.test_cli_runner().invoke(args=["mail", *words])


@pytest.fixture
def check(run):
    """Return a function that returns what ``flask mail check`` says, line for line, when all is well."""

    def check(mail):
        result = run(mail.app, "check")
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    return check


@pytest.fixture
def settings_of(run, make_app):
    """Return a function that returns what ``flask mail settings`` says of these settings."""

    def show(*words, **config):
        app = make_app(MAIL_DEFAULT_SENDER=None, **config)
        Mail(app)
        return run(app, "settings", *words).output

    return show


class Printer:
    """A host that is no SMTP session."""

    def __init__(self, settings):
        self.is_open = True

    def sendmail(self, *envelope):
        return {}

    def quit(self):
        pass


class Guard:
    """A capture that keeps every host from being opened."""

    def before_connect(self, settings):
        raise ConnectionRefusedError("not in a test")


class PrintingMail(Mail):
    """A Mail with a connection of its own."""

    def connect(self, max_emails=None):
        return PrintingConnection(self._state(), max_emails)


class PrintingConnection(Connection):
    """A connection that prints."""

    def configure_host(self):
        return Printer(self.mail)


class TestBeingThere:
    """Where the commands come from."""

    def test_three_commands(self, make_app, run):
        """An application has them after init_app."""
        app = make_app()
        Mail().init_app(app)

        output = run(app, "--help").output

        assert "check      Connect and log in, send nothing.\n" in output
        assert "send-test  Send a test message to ADDRESS.\n" in output
        assert "settings   Show the settings, without secrets.\n" in output

    def test_an_unknown_command(self, make_app, run):
        """What is none of them is a mistake in the command line."""
        app = make_app()
        Mail(app)

        assert run(app, "sned-test").exit_code == 2

    def test_a_command_of_the_application_before(self, make_app):
        """A command ``mail`` that the application has already stays."""
        app = make_app()
        own = click.Command("mail")
        app.cli.add_command(own)

        Mail(app)

        assert app.cli.commands["mail"] is own

    def test_a_command_of_the_application_after(self, make_app):
        """A command ``mail`` that the application gets later takes their place, and keeps it."""
        app = make_app()
        mail = Mail(app)
        own = click.Command("mail")

        app.cli.add_command(own)
        mail.init_app(app)

        assert app.cli.commands["mail"] is own

    def test_one_more_command(self, make_app, run):
        """The application can add a command to the group."""
        app = make_app()
        Mail(app)

        app.cli.commands["mail"].add_command(click.Command("queue", callback=lambda: click.echo("empty")))

        assert run(app, "queue").output == "empty\n"
        assert "queue" in run(app, "--help").output

    def test_an_object_like_an_application(self):
        """What has a configuration and no command line can be bound to, as tests do."""
        app = SimpleNamespace(config={}, debug=False, testing=False, extensions={}, name="like")

        Mail().init_app(app)

        assert app.extensions["mail"].server == "localhost"

    def test_each_application_has_its_own(self, make_app, run):
        """Applications of one Mail are asked for their own settings."""
        one, two = make_app(MAIL_PORT=2501), make_app(MAIL_PORT=2502)
        mail = Mail()
        mail.init_app(one)
        mail.init_app(two)

        assert "MAIL_PORT = 2501\n" in run(one, "settings").output
        assert "MAIL_PORT = 2502\n" in run(two, "settings").output

    def test_a_mail_that_is_bound_elsewhere(self, make_app, run):
        """An application whose Mail is bound to another one is asked for its own settings all the same."""
        one, two = make_app(MAIL_PORT=2501), make_app(MAIL_PORT=2502)
        Mail(one).init_app(two)

        assert "MAIL_PORT = 2501\n" in run(one, "settings").output
        assert "MAIL_PORT = 2502\n" in run(two, "settings").output

    def test_the_latest_mail(self, make_app, run):
        """When an application is bound to again, the latest Mail is asked."""
        app = make_app()
        Mail(app)
        PrintingMail(app)

        assert "a Printer" in run(app, "check").output


class TestCheck:
    """flask mail check."""

    @TLS
    def test_encrypted_and_signed_in(self, serve, mail_to, check, tls):
        """Server, encryption, user and extensions are shown."""
        server = serve(tls=tls, auth=("user", "s3cret"), size=50_000, chunking=True)

        lines = check(mail_to(server))

        assert lines[1:] == [
            f"Server:     127.0.0.1:{server.port}",
            "Encryption: TLSv1.3, certificate verified",
            "Login:      as 'user'",
            "Extensions: PIPELINING, CHUNKING, SIZE 50000, SMTPUTF8",
        ]

    @TLS
    def test_nothing_is_sent(self, serve, mail_to, check, tls):
        """The server is told goodbye after the sign-in, and gets no message."""
        server = serve(tls=tls, auth=("user", "s3cret"), auth_mechanisms=["PLAIN"])

        check(mail_to(server))

        [session] = server.sessions
        assert session.verbs[-2:] == ["AUTH", "QUIT"]
        assert server.mails == []

    def test_nothing_is_asked_for(self, serve, mail_to, check):
        """Neither encryption nor sign-in nor extensions are as true as their being there."""
        server = serve(pipelining=False, smtputf8=False)

        lines = check(mail_to(server))

        assert lines[2:] == ["Encryption: none", "Login:      none", "Extensions: SIZE"]

    def test_an_old_server(self, script, mail_to, check):
        """A server that only knows HELO has no extensions."""
        server = script({"EHLO": b"502 What?\r\n"})

        assert check(mail_to(server))[-1] == "Extensions: none of PIPELINING, CHUNKING, SIZE, SMTPUTF8"

    def test_what_is_missed(self, serve, mail_to, check):
        """Encryption and sign-in that the server offers and the settings leave out are named."""
        server = serve(tls="starttls-optional", auth="any", auth_required=False, auth_mechanisms=["PLAIN"])

        lines = check(mail_to(server, MAIL_USE_TLS=False))

        assert lines[2] == "Encryption: none, but the server offers STARTTLS: set MAIL_USE_TLS = True"
        assert lines[3] == "Login:      none, but the server offers PLAIN: set MAIL_USERNAME"

    @TLS
    def test_a_certificate_that_is_not_looked_at(self, serve, mail_to, check, tls):
        """That nobody is verified is shown."""
        server = serve(tls=tls, cert="expired")

        lines = check(mail_to(server, MAIL_TLS_VERIFY=False, MAIL_TLS_CA_FILE=None))

        assert lines[2] == "Encryption: TLSv1.3, certificate NOT verified"

    def test_a_sign_in_of_ones_own(self, serve, mail_to, check):
        """A callable as MAIL_AUTH is named."""
        server = serve(auth=("user", "s3cret"))

        def sign_in(session):
            session.login("user", "s3cret")

        lines = check(mail_to(server, MAIL_USERNAME=None, MAIL_PASSWORD=None, MAIL_AUTH=sign_in))

        assert lines[3].startswith("Login:      by ")
        assert lines[3].endswith(".sign_in (MAIL_AUTH)")

    def test_suppressed(self, server, mail_to, check):
        """While sending is suppressed the server is checked all the same, and the suppression is shown."""
        lines = check(mail_to(server, MAIL_SUPPRESS_SEND=True))

        assert lines[1] == f"Server:     127.0.0.1:{server.port}"
        assert lines[-1] == "Sending:    suppressed (MAIL_SUPPRESS_SEND, or TESTING)"

    def test_a_late_change(self, server, make_app, check):
        """A setting that was changed after init_app counts."""
        app = make_app(MAIL_PORT=1)
        mail = Mail(app)
        app.config.update(server.config)

        assert check(mail)[1] == f"Server:     127.0.0.1:{server.port}"

    def test_another_backend(self, make_app, check):
        """A host that is no SMTP session is opened, and named."""
        [line] = check(Mail(make_app(MAIL_BACKEND=Printer)))

        assert line.startswith("Backend:    ")
        assert line.endswith(".Printer, which returned a Printer. Its server is not checked.")

    def test_a_connection_of_ones_own(self, make_app, check):
        """The host is that of the Mail's own connection."""
        [_, line] = check(PrintingMail(make_app()))

        assert line == "Backend:    'smtp', which returned a Printer. Its server is not checked."

    def test_a_session_of_smtplib(self, server, mail_to, check):
        """A session that smtplib opened shows as much as ours."""
        mail = mail_to(server, MAIL_BACKEND=lambda it: smtplib.SMTP(it.server, it.port))

        assert check(mail)[0] == f"Server:     127.0.0.1:{server.port}"

    def test_a_goodbye_before_hello(self, server, mail_to, run):
        """A server that leaves once it was reached is a failure, and no socket stays open."""
        server.on("EHLO").drop()

        result = run(mail_to(server).app, "check")

        assert result.exit_code == 1
        assert "closed the connection while waiting for the reply to EHLO" in result.output

    def test_a_session_that_ends(self, server, mail_to, run):
        """A session of smtplib's that ends early is told by what ended it, not by the goodbye after it."""
        server.on("EHLO").drop()
        mail = mail_to(server, MAIL_BACKEND=lambda it: smtplib.SMTP(it.server, it.port))

        assert run(mail.app, "check").output.startswith("Error: Connection unexpectedly closed")

    def test_a_guard(self, server, mail, run, cleanup):
        """Tools for tests are asked before the server is connected to, as with a message."""
        guard = Guard()
        capture.install(guard)
        cleanup.callback(capture.remove, guard)

        result = run(mail.app, "check")

        assert result.exit_code == 1
        assert server.sessions == []


class TestFailing:
    """What a person reads when something is wrong."""

    def test_cause_and_remedy(self, serve, mail_to, run):
        """A refused sign-in is told with its reply and what to do, without the password."""
        server = serve(tls="starttls", auth=("user", "s3cret"), auth_mechanisms=["PLAIN"])

        result = run(mail_to(server, MAIL_PASSWORD="wr0ng").app, "check")

        assert result.exit_code == 1
        assert "Error: 535 5.7.8 Wrong user name or password" in result.output
        assert f"127.0.0.1:{server.port} refused to log in 'user'." in result.output
        assert "wr0ng" not in result.output

    def test_on_stderr(self, unreachable, capsys):
        """The text of the error goes to stderr, without a traceback; stdout stays empty."""
        app = unreachable().app

        with pytest.raises(SystemExit) as ended:
            app.cli.main(["mail", "check"], "flask", obj=ScriptInfo(create_app=lambda: app))

        out, err = capsys.readouterr()
        assert ended.value.code == 1
        assert out == ""
        assert err.splitlines()[1].startswith("Error: Nothing is listening on 127.0.0.1:")
        assert "Traceback" not in err

    def test_contradictions(self, make_app, run):
        """Settings that contradict each other are told when a connection would be opened."""
        app = make_app()
        Mail(app)
        app.config.update(MAIL_USE_TLS=True, MAIL_USE_SSL=True)

        result = run(app, "check")

        assert result.exit_code == 1
        assert "Error: MAIL_USE_SSL and MAIL_USE_TLS are both on." in result.output

    @pytest.mark.parametrize("command", [["check"], ["settings"], ["send-test", "ann@example.org"]])
    def test_unreadable_settings(self, make_app, run, command):
        """A setting that cannot be read any more is told by every command; a URL without its password."""
        app = make_app()
        Mail(app)
        app.config["MAIL_URL"] = "smtp://user:s3/cret@mail.example.org"

        result = run(app, *command)

        assert result.exit_code == 1
        assert "Error: MAIL_URL is not a valid URL." in result.output
        assert "cret" not in result.output

    def test_a_fault_of_the_application(self, make_app, run):
        """An error in code of the application keeps its traceback."""
        app = make_app(MAIL_BACKEND=lambda settings: {}["missing"])
        Mail(app)

        assert isinstance(run(app, "check").exception, KeyError)


class TestSendTest:
    """flask mail send-test."""

    def test_a_message(self, server, mail, run):
        """The address gets a short message, and the server's reply is shown."""
        result = run(mail.app, "send-test", "ann@example.org")

        [sent] = server.mails
        assert sent.envelope.mail_from == "shop@example.org"
        assert sent.envelope.rcpt_tos == ["ann@example.org"]
        assert sent.mime["Subject"] == "Test message"
        assert f"can send email through 127.0.0.1:{server.port}." in sent.mime.get_content()
        assert result.exit_code == 0
        assert result.output == (
            f"Accepted for ann@example.org by 127.0.0.1:{server.port}: 250 2.0.0 Received\n"
        )

    def test_sender(self, server, mail_to, run):
        """--sender takes the place of MAIL_DEFAULT_SENDER."""
        app = mail_to(server, MAIL_DEFAULT_SENDER=None).app

        run(app, "send-test", "ann@example.org", "--sender", "Shöp <shop@example.com>")

        assert server.mails[0].mime["From"] == "Shöp <shop@example.com>"

    def test_no_sender(self, server, mail_to, run):
        """Without any sender nothing is sent."""
        result = run(mail_to(server, MAIL_DEFAULT_SENDER=None).app, "send-test", "ann@example.org")

        assert result.exit_code == 1
        assert "MAIL_DEFAULT_SENDER" in result.output
        assert server.sessions == []

    def test_no_address(self, server, mail, run):
        """What is no address is refused before the server is bothered."""
        result = run(mail.app, "send-test", "ann@")

        assert result.exit_code == 1
        assert "'ann@' is not an email address" in result.output
        assert server.sessions == []

    def test_refused(self, server, mail, run):
        """A refusal is told with the address and the server's words."""
        server.on("RCPT").reply("550 5.1.1 No such user")

        result = run(mail.app, "send-test", "ann@example.org")

        assert result.exit_code == 1
        assert "Error: ann@example.org: 550 5.1.1 No such user" in result.output

    def test_what_a_terminal_would_obey(self, server, mail, run):
        """Control characters in the words of a server are written out."""
        server.on("BODY").garble(b"250 \x1b]0;Owned\x07 \xe2\x80\xaefine\r\n")

        result = run(mail.app, "send-test", "ann@example.org")

        assert result.output.endswith(r": 250 \x1b]0;Owned\x07 \u202efine" + "\n")

    @pytest.mark.parametrize("setting", [{"TESTING": True}, {"MAIL_SUPPRESS_SEND": True}])
    def test_suppressed(self, make_app, run, setting):
        """While sending is suppressed nothing is sent, and that is said."""
        app = make_app(**setting)
        Mail(app)

        result = run(app, "send-test", "ann@example.org")

        assert result.exit_code == 0
        assert result.output == (
            "Nothing was sent: sending is suppressed (MAIL_SUPPRESS_SEND, or TESTING).\n"
        )

    def test_failing_silently(self, unreachable, run):
        """MAIL_FAIL_SILENTLY does not keep the command from telling a failure."""
        result = run(unreachable(MAIL_FAIL_SILENTLY=True).app, "send-test", "ann@example.org")

        assert result.exit_code == 1
        assert "Error: Nothing is listening on 127.0.0.1:" in result.output

    def test_another_backend(self, make_app, run):
        """A host without replies is named."""
        app = make_app(MAIL_BACKEND=Printer)
        Mail(app)

        output = run(app, "send-test", "ann@example.org").output

        assert output.startswith("Accepted for ann@example.org by ")
        assert output.endswith(".Printer.\n")

    def test_a_subclass_without_receipts(self, server, make_app, run):
        """A Mail written for Flask-Mail 0.10, which returns nothing, is said to have sent."""

        class OldMail(Mail):
            def send(self, message: Message) -> None:
                super().send(message)

        app = make_app(**server.config)
        OldMail(app)

        assert run(app, "send-test", "ann@example.org").output == "Sent to ann@example.org.\n"

    def test_a_subclass_that_sends_in_another_way(self, server, make_app, run):
        """What nobody tells of is not said to be accepted."""

        class PostingConnection(Connection):
            def send(self, message, envelope_from=None):
                return None

        class PostingMail(Mail):
            def connect(self, max_emails=None):
                return PostingConnection(self.state)

        app = make_app(**server.config)
        PostingMail(app)

        assert run(app, "send-test", "ann@example.org").output == (
            "Sent to ann@example.org by the application's own code, which does not report the outcome.\n"
        )


class TestSettings:
    """flask mail settings."""

    def test_what_differs(self, settings_of):
        """Each setting that is not its default is shown on a line, as a configuration file has it."""
        output = settings_of(MAIL_SERVER="mail.example.org", MAIL_PORT="587", MAIL_USE_TLS="yes")

        assert output == "MAIL_SERVER = 'mail.example.org'\nMAIL_PORT = 587\nMAIL_USE_TLS = True\n"

    def test_nothing_differs(self, settings_of):
        """Without any the way to see all is shown."""
        assert settings_of() == (
            "All settings have their defaults. To show them, run: flask mail settings --all\n"
        )

    def test_all(self, settings_of):
        """--all shows those that have their default, too."""
        lines = settings_of("--all", MAIL_PORT=587).splitlines()

        assert lines[:3] == ["MAIL_URL = None", "MAIL_SERVER = 'localhost'", "MAIL_PORT = 587"]
        assert "MAIL_PASSWORD = None" in lines
        assert "MAIL_TIMEOUT = 30.0" in lines

    def test_secrets_that_are_set(self, settings_of):
        """A secret is shown as set, the user name as it is."""
        output = settings_of(MAIL_USERNAME="user", MAIL_PASSWORD="s3cret")

        assert output == "MAIL_USERNAME = 'user'\nMAIL_PASSWORD = (set)\n"

    def test_url(self, settings_of):
        """MAIL_URL is shown without user name and password, and what it sets beside it."""
        output = settings_of(MAIL_URL="smtp://us%40r:s3@cret@mail.example.org:587?tls=starttls")

        assert output == (
            "MAIL_URL = 'smtp://(set)@mail.example.org:587?tls=starttls'\n"
            "MAIL_SERVER = 'mail.example.org'\n"
            "MAIL_PORT = 587\n"
            "MAIL_USE_TLS = True\n"
            "MAIL_USERNAME = 'us@r'\n"
            "MAIL_PASSWORD = (set)\n"
        )

    def test_url_without_credentials(self, settings_of):
        """A MAIL_URL without secrets is shown as it is."""
        assert settings_of(MAIL_URL="smtps://[::1]").startswith("MAIL_URL = 'smtps://[::1]'\n")

    @pytest.mark.parametrize("words", [[], ["--all"]], ids=["differing", "all"])
    @pytest.mark.parametrize(
        "config",
        [
            {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret"},
            {"MAIL_USERNAME": "user", "MAIL_PASSWORD": "s3cret", "MAIL_DEBUG": True},
            {"MAIL_USERNAME": "user", "MAIL_OAUTH2_TOKEN": "s3cret"},
            {"MAIL_USERNAME": "user", "MAIL_OAUTH2_TOKEN": functools.partial(str, "s3cret")},
            {"MAIL_AUTH": functools.partial(print, "s3cret")},
            {"MAIL_BACKEND": functools.partial(Printer, "s3cret")},
            {"MAIL_URL": "smtp://user:s3cret@mail.example.org"},
            {"MAIL_URL": "smtps://user:s3cret@[::1]:465?timeout=5"},
            {"MAIL_URL": "smtp://user:%73s3cret@mail.example.org/?tls=starttls"},
            {"MAIL_URL": "smtp://user:a@b:s3cret@mail.example.org"},
            {"MAIL_URL": "smtp://user:s3cret@mail.example.org", "MAIL_PASSWORD": "0ther-s3cret"},
        ],
        ids=[
            "password", "debug", "token", "token-callable", "auth-callable", "backend-callable",
            "url", "url-tls", "url-percent", "url-at", "url-and-password",
        ],
    )  # fmt: skip
    def test_no_secret_is_shown(self, settings_of, config, words):
        """No secret is in the output, wherever it was set."""
        output = settings_of(*words, **config)

        assert output.startswith("MAIL_")
        assert "s3cret" not in output

    def test_objects(self, settings_of):
        """A callable is shown by its name, a TLS context by its type."""
        output = settings_of(MAIL_BACKEND=Printer, MAIL_TLS_CONTEXT=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

        assert "MAIL_TLS_CONTEXT = <SSLContext>\n" in output
        assert f"MAIL_BACKEND = {Printer.__module__}.Printer\n" in output

    def test_set_by_hand(self, make_app, run):
        """An attribute of the state that was set by hand is what counts, and what is shown."""
        app = make_app()
        mail = Mail(app)
        mail.port = 2525

        assert "MAIL_PORT = 2525\n" in run(app, "settings").output

    def test_a_terminal_without_these_letters(self, make_app):
        """What cannot be shown in the encoding of the terminal is written as in Python."""
        app = make_app(MAIL_SUBJECT_PREFIX="Магазин")
        Mail(app)

        result = app.test_cli_runner(charset="ascii").invoke(args=["mail", "settings"])

        assert result.exit_code == 0
        assert r"MAIL_SUBJECT_PREFIX = '\u041c" in result.output

    def test_suppression(self, make_app, run):
        """TESTING shows as MAIL_SUPPRESS_SEND."""
        app = Flask(__name__)
        Mail(app)
        app.config["TESTING"] = True

        assert run(app, "settings").output == "MAIL_SUPPRESS_SEND = True\n"
