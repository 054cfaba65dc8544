"""A real SMTP server for tests: strict, quick to start, with faults where a test asks for them.

Works without pytest. Needs aiosmtpd, and trustme for TLS; both are loaded when they are needed.
Rules: RFC 5321 and the extensions that the options name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from collections.abc import Iterable
from types import TracebackType
from typing import Any
from typing import TYPE_CHECKING

from .._matching.searching import Searchable
from ._breaking import Breakable
from ._certificates import ca_pem
from ._certificates import server_context
from ._config import add_address
from ._config import discard_address
from ._config import make_config
from ._listener import Listener
from ._options import Certificate
from ._options import Credentials
from ._options import Mechanism
from ._options import MECHANISMS
from ._options import Options
from ._options import read_mechanisms
from ._options import read_users
from ._options import TLSMode
from ._records import ReceivedMail
from ._records import ServerState
from ._records import Session

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._protocol.commands import Protocol


class SMTPServer(Searchable[ReceivedMail], Breakable):
    """An SMTP server on the loopback interface, for as long as its ``with`` block lasts.

    :param tls: ``"starttls"`` demands it, ``"starttls-optional"`` offers it, ``"implicit"`` is SMTPS.
    :param cert: ``"valid"``, or ``"wrong-host"``, ``"expired"``, ``"self-signed"`` which clients must refuse.
    :param auth: ``("user", "password")``, a dict or pairs for several users, ``"any"`` for everybody.
    :param auth_required: whether a client has to log in; by default, it has to if ``auth`` is given.
    :param auth_mechanisms: of PLAIN, LOGIN, CRAM-MD5 and XOAUTH2, in the order offered; all by default.
    :param size: bytes of the largest message that is accepted; no limit by default.
    :param max_rcpt: number of recipients that a message may have; no limit by default.
    :param smtputf8: whether addresses may contain other characters than ASCII; by default, as ``eight_bit``.
    :param eight_bit: whether 8BITMIME is offered and messages may contain other characters than ASCII.
    :param pipelining: whether PIPELINING is offered; without it, clients have to wait for each reply.
    :param chunking: whether CHUNKING (BDAT) is offered.
    :param enhanced_codes: whether replies have enhanced status codes such as 5.1.1.
    :raises TypeError: there is no such option, or its value is of the wrong type.
    :raises ValueError: the option cannot have that value.
    """

    __module__ = "pytest_flask_mail"

    _nothing = "the server received no mail"

    def __init__(
        self,
        *,
        tls: TLSMode | None = None,
        cert: Certificate = "valid",
        auth: Credentials = None,
        auth_required: bool | None = None,
        auth_mechanisms: Iterable[Mechanism] = MECHANISMS,
        size: int | None = None,
        max_rcpt: int | None = None,
        smtputf8: bool | None = None,
        eight_bit: bool = True,
        pipelining: bool = True,
        chunking: bool = False,
        enhanced_codes: bool = True,
    ) -> None:
        mechanisms = read_mechanisms(auth_mechanisms)
        self._options = Options(
            tls=tls,
            cert=cert,
            users=read_users(auth),
            auth_required=auth is not None if auth_required is None else auth_required,
            auth_mechanisms=() if auth is None else mechanisms,
            size=size,
            max_rcpt=max_rcpt,
            eight_bit=eight_bit,
            smtputf8=eight_bit if smtputf8 is None else smtputf8,
            pipelining=pipelining,
            chunking=chunking,
            enhanced_codes=enhanced_codes,
        )
        self._state = ServerState(self._options)
        self._faults = self._state.faults
        self._address: tuple[str, int] | None = None
        self._listener: Listener | None = None
        self._ca_file: str | None = None

    def __enter__(self) -> Self:
        # One from smtp_server_factory is running already.
        if self._listener is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on a free port.

        :raises RuntimeError: the server was started before.
        :raises ImportError: aiosmtpd, or for TLS trustme, is not installed.
        """
        if self._address is not None:
            raise RuntimeError("An SMTPServer can be started only once. Create another one.")
        protocol = load_protocol()
        if self._options.tls is not None:
            self._state.tls_context = server_context(self._options.cert)
        self._listener = Listener(lambda loop: protocol(self._state, loop), self._state)
        self._address = self._listener.address
        add_address(*self._address)
        self._listener.start()

    def stop(self) -> None:
        """Reset the open connections and free the port. Emails and sessions can still be read afterwards.

        :raises Exception: what a function given to ``match`` raised, or what went wrong in the server itself.
        """
        listener, self._listener = self._listener, None
        if listener is None:
            return
        discard_address(self.host, self.port)
        listener.stop()
        if self._ca_file is not None:
            os.unlink(self._ca_file)
            self._ca_file = None
        for crash in self._state.crashes[:1]:
            raise crash

    @property
    def host(self) -> str:
        """The address to connect to."""
        return self._get_address()[0]

    @property
    def port(self) -> int:
        """The port to connect to."""
        return self._get_address()[1]

    @property
    def ca_pem(self) -> str | None:
        """The certificate of the authority that clients have to trust; None without TLS."""
        return None if self._options.tls is None else ca_pem()

    @property
    def ca_file(self) -> str | None:
        """The path of a file with ``ca_pem``, which exists until the server stops; None without TLS."""
        if self._ca_file is None and self._listener is not None and (pem := self.ca_pem) is not None:
            handle, self._ca_file = tempfile.mkstemp(prefix="smtp-server-ca-", suffix=".pem")
            with open(handle, "w", encoding="ascii") as file:
                file.write(pem)
        return self._ca_file

    @property
    def config(self) -> dict[str, Any]:
        """The ``MAIL_`` settings with which an application sends through this server, in a new dict.

        They also override what the application configures for its real server. With ``auth="any"`` the
        application keeps its own user name and password.
        """
        return make_config(self.host, self.port, self.ca_file, self._options)

    @property
    def mails(self) -> list[ReceivedMail]:
        """The emails that arrived, in order, in a new list, each before its client gets the reply."""
        return self._state.arrivals.so_far()

    @property
    def sessions(self) -> list[Session]:
        """The connections, in order, in a new list, with everything that clients have sent so far."""
        self._settle()
        return self._state.sessions.copy()

    def wait_for_mail(self, count: int = 1, timeout: float = 5) -> list[ReceivedMail]:
        """Return the emails as soon as there are ``count``, counted from the server's start.

        :param timeout: seconds.
        :raises TimeoutError: fewer arrived in time.
        """
        if not self._state.arrivals.wait_for(lambda emails: len(emails) >= count, timeout):
            raise TimeoutError(f"{len(self.mails)} of {count} emails arrived within {timeout:g} seconds.")
        return self.mails

    def _so_far(self) -> list[ReceivedMail]:
        return self.mails

    def _wait(self, is_enough: Callable[[list[ReceivedMail]], object], timeout: float) -> bool:
        return self._state.arrivals.wait_for(is_enough, timeout)

    def _trouble(self) -> list[str]:
        triggered = [f"a fault was triggered: {fault!r}" for fault in self._faults.triggered()]
        return triggered if self.sessions else [*triggered, "no client has connected"]

    def _get_address(self) -> tuple[str, int]:
        if self._address is None:
            raise RuntimeError(
                "The SMTPServer has not been started. Use it in a with statement, or call start()."
            )
        return self._address

    def _settle(self) -> None:
        if self._listener is not None:
            self._listener.settle()

    def __repr__(self) -> str:
        place = "not started" if self._address is None else f"{self.host}:{self.port}"
        count = len(self.mails)
        return f"<SMTPServer {place}, {count} mail{'' if count == 1 else 's'}>"


def load_protocol() -> type[Protocol]:
    """Return the protocol that each connection speaks.

    :raises ImportError: aiosmtpd is not installed.
    """
    try:
        from ._protocol.commands import Protocol
    except ModuleNotFoundError as error:
        if error.name != "aiosmtpd":
            raise
        raise ImportError('SMTPServer needs aiosmtpd. Run: pip install "Flask-Mail[pytest]"') from error
    return Protocol
