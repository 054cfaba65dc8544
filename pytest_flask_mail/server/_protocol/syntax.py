"""Parsing of commands: addresses and parameters, or the reply that refuses them.

Knows nothing of connections or of what a server offers. Strict: what RFC 5321 does not allow is refused.
Rules: RFC 5321 sections 4.1.1.11, 4.1.2 and 4.5.3.1, RFC 6531 (UTF-8), RFC 3463 (enhanced status codes).
"""

from __future__ import annotations

import re

UTF8 = "\u0080-\U0010ffff"
ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{UTF8}]+"
QUOTED = rf'"(?:[ !#-\[\]-~{UTF8}]|\\[ -~])*"'
LABEL = rf"[A-Za-z0-9{UTF8}](?:[A-Za-z0-9{UTF8}\-]*[A-Za-z0-9{UTF8}])?"
LITERAL = r"\[[!-Z^-~]+\]"
MAILBOX = re.compile(rf"(?P<local>{ATOM}(?:\.{ATOM})*|{QUOTED})@(?P<domain>{LABEL}(?:\.{LABEL})*|{LITERAL})")
PATH = re.compile(r"<(?P<address>(?:\"(?:[^\"\\]|\\.)*\"|[^<>\"])*)>(?P<parameters>(?: .*)?)")
CHUNK = re.compile(r"(?P<size>[0-9]{1,18})(?P<last> LAST)?", re.IGNORECASE)
PARAMETER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~{UTF8}]+)?")

CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# To the 512 octets of RFC 5321 come those of SIZE, 8BITMIME, SMTPUTF8, AUTH= and DSN; for AUTH see RFC 4954.
COMMAND_LIMITS = {"MAIL": 512 + 26 + 17 + 10 + 500 + 107, "RCPT": 512 + 500, "AUTH": 12_288}
ENHANCED = re.compile(r"(?P<code>[245][0-9][0-9]) (?:[245]\.[0-9]{1,3}\.[0-9]{1,3} ?)?")


class Verbatim(str):
    """A reply to be sent exactly as it is."""

    __slots__ = ()


class Refusal(Exception):
    """The reply to a command that is not performed."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


def read_command(line: bytes) -> tuple[str, str]:
    """Return the verb in upper case and the argument.

    :raises Refusal: 500 if the line is too long for its verb, or not a line of text.
    """
    try:
        words = line.decode()
    except UnicodeDecodeError as error:
        raise Refusal("500 5.5.2 Not UTF-8") from error
    verb, _, argument = words.rstrip("\r\n").partition(" ")
    if len(line) > COMMAND_LIMITS.get(verb.upper(), 512):
        raise Refusal("500 5.5.2 Line too long")
    if not line.endswith(b"\r\n"):
        raise Refusal("500 5.5.2 A command ends in CRLF")
    if CONTROL.search(words[:-2]):
        raise Refusal("500 5.5.2 Control character")
    return verb.upper(), argument.strip(" ")


def read_path(argument: str, keyword: str) -> tuple[str, list[str]]:
    """Return the address and the ESMTP parameters of ``FROM:<address> parameters``.

    :param keyword: ``FROM:`` or ``TO:``, written in any case.
    :raises Refusal: 501 if the command does not have that form, 553 if the address is not valid.
    """
    start, rest = argument[: len(keyword)], argument[len(keyword) :]
    found = PATH.fullmatch(rest)
    if start.upper() != keyword or found is None:
        raise Refusal(f"501 5.5.4 Syntax: {'MAIL' if keyword == 'FROM:' else 'RCPT'} {keyword}<address>")
    parameters = found["parameters"].split()
    for parameter in parameters:
        if not PARAMETER.fullmatch(parameter):
            raise Refusal(f"501 5.5.4 Bad parameter {parameter}")
    return found["address"], parameters


def check_mailbox(address: str) -> None:
    """Raise Refusal unless the address is a mailbox of a length that every server accepts."""
    found = MAILBOX.fullmatch(address)
    if found is None:
        raise Refusal("553 5.1.3 Bad address syntax")
    if len(found["local"].encode()) > 64 or len(found["domain"].encode()) > 255:
        raise Refusal("553 5.1.3 Address too long")


def read_parameters(parameters: list[str], known: set[str]) -> dict[str, str]:
    """Return the values of the parameters by upper-case names; empty for those without a value.

    :raises Refusal: 555 for an unknown parameter, 501 for one given twice.
    """
    values: dict[str, str] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = name.upper()
        if name not in known:
            raise Refusal(f"555 5.5.4 Parameter {name} not known")
        if name in values:
            raise Refusal(f"501 5.5.4 Parameter {name} given twice")
        values[name] = value
    return values


def read_chunk(argument: str) -> tuple[int, bool]:
    """Return the size in bytes of a chunk, and whether it is the last (RFC 3030 section 2).

    :raises Refusal: 501 if the argument of BDAT does not have that form.
    """
    found = CHUNK.fullmatch(argument)
    if found is None:
        raise Refusal("501 5.5.4 Syntax: BDAT size [LAST]")
    return int(found["size"]), found["last"] is not None


def with_status(text: str, is_wanted: bool) -> str:
    """Return the reply with an enhanced status code, or without."""
    found = ENHANCED.match(text)
    if found is None:
        return text
    if not is_wanted:
        return f"{found['code']} {text[found.end() :]}"
    return text if found.end() > 4 else f"{found['code']} {text[0]}.0.0 {text[4:]}"


def find_flaw(content: bytes) -> str | None:
    """Return the reply that refuses a message whose lines break RFC 5321; None if they do not."""
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines:
        return "554 5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"
    if max(map(len, content.split(b"\r\n"))) > 998:
        return "554 5.6.0 Line of more than 998 octets in the message (RFC 5321 section 4.5.3.1.6)"
    return None
