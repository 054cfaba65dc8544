"""Forks: a child process sends, whatever the other threads of its parent were doing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

#: What is sent: with a part that is derived, a login, and encryption.
START = """
    import os, signal, sys, threading
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask(__name__)
    app.config.update({config!r}, MAIL_DEFAULT_SENDER="shop@example.org", MAIL_KEEPALIVE=60)

    def send():
        mail.send(Message("Hi", ["ann@example.org"], html="<p>Hello."))
"""
BINDINGS = {
    "init_app": "mail = Mail(app)",
    "connect": """
app.config["MAIL_SUPPRESS_SEND"] = True
mail = Mail(app)
app.config["MAIL_SUPPRESS_SEND"] = False
mail.state.snapshot()
mail.connect()
""",
}
NOTHING_IS_LOADED = """
before = set(sys.modules)
send()
mail.close()
print(*sorted(set(sys.modules) - before))
"""
FORK_IN_AN_IMPORT = """
importing, forked = threading.Event(), threading.Event()

class Finder:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            importing.set()
            forked.wait(10)

sys.meta_path.insert(0, Finder())
thread = threading.Thread(target=lambda: (send(), importing.set()))
thread.start()
importing.wait(10)
child = os.fork()
if child == 0:
    signal.alarm(10)
    send()
    mail.close()
    os._exit(0)
forked.set()
thread.join()
mail.close()
print(os.waitpid(child, 0)[1])
"""


def run(server, binding, rest):
    """Return what the program prints."""
    program = f"{textwrap.dedent(START.format(config=server.config))}\n{binding}\n{rest}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("binding", BINDINGS.values(), ids=BINDINGS.keys())
def test_the_first_message_loads_nothing(serve, binding):
    """All that sending needs is loaded when an application is bound to a server, or a connection is made."""
    server = serve(tls="starttls", auth=("user", "secret"))

    assert run(server, binding, NOTHING_IS_LOADED) == ""


@pytest.mark.parametrize("binding", BINDINGS.values(), ids=BINDINGS.keys())
def test_a_fork_during_the_first_message(serve, binding):
    """A child that was forked while another thread sent its first message sends, too."""
    server = serve()

    assert run(server, binding, FORK_IN_AN_IMPORT) == "0"
    assert len(server.mails) == 2


#: A thread is held up within what is guarded, the child is forked, and does the same.
FORK_MEANWHILE = """
began, forked = threading.Event(), threading.Event()

def hold_up():
    if threading.current_thread() is not threading.main_thread():
        began.set()
        forked.wait(10)

class Receiver:
    @property
    def __signature__(self):
        hold_up()
        raise AttributeError

    def __call__(self, app, message):
        pass

def send_directly():
    connection.send(Message("Hi", ["ann@example.org"]))

def use():
    {use}

thread = threading.Thread(target=use)
thread.start()
began.wait(10)
child = os.fork()
if child == 0:
    signal.alarm(10)
    use()
    connection.close()
    os._exit(0)
forked.set()
thread.join()
connection.close()
print(os.waitpid(child, 0)[1])
"""
USES = {
    "connection": "send_directly()",
    "signal": "email_dispatched.connect(Receiver(), weak=False); send_directly()",
}
SHARED = """
from flask_mail import email_dispatched
app.config["MAIL_AUTH"] = lambda session: hold_up()
mail = Mail(app)
connection = mail.connect()
"""


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_fork_while_another_thread_is_at_it(serve, use):
    """A child has what it shares with its parent to itself, whatever another thread was doing with it."""
    server = serve()

    assert run(server, SHARED, FORK_MEANWHILE.replace("{use}", use)) == "0"
    assert len(server.mails) == 2
