"""Faults: what goes wrong, and when. A test declares them, and the conversation looks up which one applies.

Plain values without sockets or waiting. Deterministic: of those that apply, the one declared first.
Rules: RFC 5321 section 4.2 (replies), RFC 3463 (enhanced status codes).
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any
from typing import TypeAlias

from .._place import find_sender
from .._place import Place

Match: TypeAlias = str | re.Pattern[str] | Callable[[str], object]

POSITIVE_REPLIES = {
    "CONNECT": "220",
    "EHLO": "250",
    "HELO": "250",
    "STARTTLS": "220",
    "AUTH": "235",
    "MAIL": "250",
    "RCPT": "25",
    "DATA": "354",
    "BODY": "250",
    "RSET": "250",
    "NOOP": "250",
    "QUIT": "221",
}
"""For each phase, the start of a positive reply, after which the client goes on."""

PHASES = tuple(POSITIVE_REPLIES)

HAVE_SUBJECT = {
    "EHLO": "the client's name",
    "HELO": "the client's name",
    "AUTH": "the user",
    "MAIL": "the address",
    "RCPT": "the address",
    "BODY": "the message",
    "NOOP": "the argument",
}
"""What ``match`` is compared with. The other phases have nothing to compare."""

REPLY = re.compile(r"[2-5][0-9][0-9](?: [^\r\n\x00]*)?(?:\n[^\r\n\x00]*)*")

TEXTS = {
    220: "Ready",
    221: "2.0.0 Bye",
    235: "2.7.0 Authentication successful",
    250: "2.0.0 OK",
    251: "2.1.5 User not local, will forward",
    252: "2.1.5 Cannot verify, will try",
    354: "End data with <CR><LF>.<CR><LF>",
    421: "4.3.2 Service not available",
    450: "4.2.0 Mailbox not available, try again later",
    451: "4.3.0 Try again later",
    452: "4.3.1 Insufficient storage",
    454: "4.7.0 Temporary failure",
    500: "5.5.2 Not understood",
    501: "5.5.4 Wrong argument",
    502: "5.5.1 Not implemented",
    503: "5.5.1 Bad sequence of commands",
    504: "5.5.4 Parameter not implemented",
    530: "5.7.0 Authentication required",
    535: "5.7.8 Wrong user name or password",
    550: "5.1.1 No such user",
    551: "5.1.6 User not local",
    552: "5.2.2 Mailbox full",
    553: "5.1.3 Bad address",
    554: "5.0.0 Transaction failed",
    555: "5.5.4 Parameter not known",
}


@dataclass(frozen=True)
class Action:
    """What the server does instead of its usual reply, or before it."""

    #: Seconds to wait before anything else.
    pause: float | None = None
    #: The reply, without CRLF; lines are separated by LF.
    text: str | None = None
    #: Whether the test gave a whole text, which is sent as it is, rather than a code.
    is_verbatim: bool = False
    #: Bytes to send instead of a reply.
    raw: bytes | None = None
    #: How the connection ends: ``drop``, ``close``, ``hang``, or not at all.
    ending: str = ""

    @property
    def has_reply(self) -> bool:
        """Whether the client gets a reply of any kind."""
        return self.text is not None or self.raw is not None


NOTHING = Action()


class Fault:
    """Something that goes wrong: where, for whom, and how. Its methods return the fault, for chaining.

    With a reply of 4xx or 5xx, or ``garble``, the command is not performed; a positive reply only changes the
    text. A message is kept if it arrived whole and was not refused: after a fault at BODY that suppresses the
    reply, the client does not know that the message arrived.
    """

    __module__ = "pytest_flask_mail.server"

    def __init__(
        self,
        phase: str,
        match: Match | None = None,
        nth: int | None = None,
        optional: bool = False,
        *,
        after: int = 0,
        name: str = "",
    ) -> None:
        __tracebackhide__ = True
        self.phase: str = check_phase(phase)
        self.match: Match | None = check_match(self.phase, match)
        self.nth: int | None = check_nth(nth)
        self.optional: bool = optional
        self.action: Action = NOTHING
        #: The line of the test that declared it.
        self.declared_at: Place = find_sender()
        #: How often it was triggered.
        self.triggered: int = 0
        self._name = name
        self._occurrences = range(after + 1, sys.maxsize) if nth is None else range(nth, nth + 1)
        self._occurred = 0
        self._times: int | None = None

    def reply(self, code_or_text: int | str, times: int | None = None) -> Fault:
        """Reply with this code and its usual text, or with exactly this text; ``\\n`` separates lines.

        A reply of 421, and a refusal at CONNECT, close the connection.

        :param times: how often; always by default.
        """
        __tracebackhide__ = True
        self._check_free("reply")
        text = check_reply(self.phase, code_or_text)
        self._times = check_count("times", times)
        return self._act(text=text, is_verbatim=text == code_or_text)

    def garble(self, raw: bytes) -> Fault:
        """Send exactly these bytes instead of the reply."""
        __tracebackhide__ = True
        self._check_free("garble")
        if not isinstance(raw, bytes):
            raise TypeError(f"garble({raw!r}): expected bytes.")
        return self._act(raw=raw)

    def delay(self, seconds: float) -> Fault:
        """Wait before the reply."""
        __tracebackhide__ = True
        self._check_free("delay")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise TypeError(f"delay({seconds!r}): expected a number of seconds.")
        if seconds < 0:
            raise ValueError(f"delay({seconds!r}): expected 0 seconds or more.")
        return self._act(pause=(self.action.pause or 0) + seconds)

    def drop(self) -> Fault:
        """Reset the connection (RST) without a reply."""
        return self._end("drop")

    def close(self) -> Fault:
        """Close the connection (FIN) without a reply."""
        return self._end("close")

    def hang(self) -> Fault:
        """Send nothing more until the client gives up or the server stops."""
        return self._end("hang")

    def then_drop(self) -> Fault:
        """Reset the connection (RST) right after the reply."""
        __tracebackhide__ = True
        if not self.action.has_reply:
            raise ValueError(f"{self!r}: then_drop() must follow reply() or garble(). Use drop() instead.")
        if self.action.ending:
            raise ValueError(f"{self!r}: the connection has already ended, so nothing can follow.")
        return self._act(ending="drop")

    @property
    def refuses(self) -> bool:
        """Whether the client gets a negative reply."""
        return self.action.text is not None and not is_positive(self.phase, self.action.text)

    def occurs(self, subject: str | bytes) -> bool:
        """Count this occurrence of the phase if the fault matches it; return whether the fault applies."""
        if not self.has_action or not self._is_for(subject):
            return False
        self._occurred += 1
        is_due = self._times is None or self.triggered < self._times
        return is_due and self._occurred in self._occurrences

    def _is_for(self, subject: str | bytes) -> bool:
        if self.match is None:
            return True
        if isinstance(subject, bytes):
            subject = subject.decode(errors="replace")
        if isinstance(self.match, str):
            return fnmatchcase(subject.lower(), self.match.lower())
        if isinstance(self.match, re.Pattern):
            return self.match.search(subject) is not None
        return bool(self.match(subject))

    def _end(self, ending: str) -> Fault:
        self._check_free(ending)
        return self._act(ending=ending)

    def _check_free(self, verb: str) -> None:
        __tracebackhide__ = True
        if self.action.has_reply:
            raise ValueError(f"{self!r}: {verb}() cannot follow reply() or garble(); only then_drop() can.")
        if self.action.ending:
            raise ValueError(f"{self!r}: the connection has already ended, so nothing can follow.")

    def _act(self, **more: Any) -> Fault:
        self.action = replace(self.action, **more)
        return self

    @property
    def has_action(self) -> bool:
        """Whether it was told what to do; without that it never takes effect."""
        return self.action != NOTHING

    def __repr__(self) -> str:
        start = self._name or describe_start(self.phase, self.match, self.nth)
        return ".".join([start, *describe_action(self.action, self._times)])


class Faults:
    """The faults of one server, in the order they were declared. Safe to use from every thread."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        # A function given to match may add a fault itself.
        self._lock = threading.RLock()

    def add(self, fault: Fault) -> Fault:
        """Add the fault after the others, and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def trigger(self, phase: str, subject: str | bytes = "") -> Fault | None:
        """Count that the phase is reached, and return the first fault that applies, counted as triggered."""
        with self._lock:
            due = [fault for fault in self._faults if fault.phase == phase and fault.occurs(subject)]
            for fault in due[:1]:
                fault.triggered += 1
                return fault
        return None

    def untriggered(self) -> list[Fault]:
        """Return the faults that were never triggered, except the optional ones."""
        with self._lock:
            return [fault for fault in self._faults if not fault.triggered and not fault.optional]

    def triggered(self) -> list[Fault]:
        """Return the faults that were triggered."""
        with self._lock:
            return [fault for fault in self._faults if fault.triggered]


class FirstTime:
    """A match for what it has not seen before."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, subject: str) -> bool:
        is_new = subject not in self._seen
        self._seen.add(subject)
        return is_new


def greylist(optional: bool = False) -> Fault:
    """Return a fault that refuses every recipient the first time with 451."""
    fault = Fault("RCPT", match=FirstTime(), optional=optional, name="greylist()")
    return fault.reply("451 4.7.1 Greylisted, try again later")


def full_mailbox(address: str, optional: bool = False) -> Fault:
    """Return a fault that refuses the recipient with 452."""
    fault = Fault("RCPT", match=address, optional=optional, name=f"full_mailbox({address!r})")
    return fault.reply("452 4.2.2 Mailbox full")


def rate_limit(n: int, optional: bool = False) -> Fault:
    """Return a fault that refuses each MAIL command after the first ``n`` with 450."""
    check_count("rate_limit", n)
    fault = Fault("MAIL", after=n, optional=optional, name=f"rate_limit({n})")
    return fault.reply("450 4.7.1 Too many messages, try again later")


def maintenance(optional: bool = False) -> Fault:
    """Return a fault that refuses every connection with 421."""
    fault = Fault("CONNECT", optional=optional, name="maintenance()")
    return fault.reply("421 4.3.2 Down for maintenance, try again later")


def is_positive(phase: str, text: str) -> bool:
    """Return whether the reply is positive, so that the client goes on."""
    return text.startswith(POSITIVE_REPLIES[phase])


def check_phase(phase: str) -> str:
    """Return the phase, or raise ValueError with a list of all phases."""
    __tracebackhide__ = True
    if phase not in PHASES:
        hint = " Use DATA for the first BDAT of a message, and BODY for the last." if phase == "BDAT" else ""
        raise ValueError(f"There is no phase {phase!r}. Phases: {', '.join(PHASES)}.{hint}")
    return phase


def check_match(phase: str, match: Match | None) -> Match | None:
    """Return the match, or raise if nothing can match it."""
    __tracebackhide__ = True
    if match is None:
        return None
    if phase not in HAVE_SUBJECT:
        raise ValueError(f"match={match!r} at {phase}: only {', '.join(HAVE_SUBJECT)} can have match=.")
    if not isinstance(match, (str, re.Pattern)) and not callable(match):
        raise TypeError(f"match={match!r}: expected a glob, a compiled pattern or a function.")
    return match


def check_nth(nth: int | None) -> int | None:
    """Return the number, or raise if it is not 1 or more."""
    __tracebackhide__ = True
    return check_count("nth", nth)


def check_count(name: str, count: Any) -> int | None:
    """Return the number, or raise unless it is a whole number of 1 or more, or None."""
    __tracebackhide__ = True
    if count is None:
        return None
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"{name}={count!r}: expected a whole number.")
    if count < 1:
        raise ValueError(f"{name}={count!r}: expected 1 or more.")
    return count


def check_reply(phase: str, code_or_text: int | str) -> str:
    """Return the text of the reply, or raise if a server cannot send it in this phase."""
    __tracebackhide__ = True
    if not isinstance(code_or_text, (int, str)) or isinstance(code_or_text, bool):
        raise TypeError(f"reply({code_or_text!r}): expected a code (550) or a text ('550 No such user').")
    found = REPLY.fullmatch(str(code_or_text))
    if found is None:
        raise ValueError(f"reply({code_or_text!r}): expected a code from 200 to 599, then a space and text.")
    text = found.group()
    if text[0] in "23" and not is_positive(phase, text):
        raise ValueError(
            f"reply({code_or_text!r}) at {phase}: expected {POSITIVE_REPLIES[phase]:x<3}, 4xx or 5xx."
        )
    return text if len(text) > 3 else usual_reply(text)


def usual_reply(code: str) -> str:
    """Return the code with the text that servers usually send."""
    return f"{code} {TEXTS.get(int(code), f'{code[0]}.0.0 Refused')}"


def describe_start(phase: str, match: Match | None, nth: int | None) -> str:
    """Return the call that declared the fault, as it was written."""
    found = "" if match is None else f", match={getattr(match, '__name__', None) or repr(match)}"
    return f"on({phase!r}{found}" + (f", nth={nth})" if nth is not None else ")")


def describe_action(action: Action, times: int | None) -> Iterator[str]:
    """Yield the calls that made the action, as they were written."""
    if action.pause is not None:
        yield f"delay({action.pause!r})"
    if action.text is not None:
        shown = repr(action.text) if action.is_verbatim else action.text[:3]
        yield f"reply({shown}{'' if times is None else f', times={times}'})"
    if action.raw is not None:
        yield f"garble({action.raw!r})"
    if action.ending:
        yield "then_drop()" if action.has_reply else f"{action.ending}()"
