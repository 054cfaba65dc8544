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
