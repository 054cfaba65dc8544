"""Texts that try to inject a header or an address, and whether one succeeded.

Every text contains one canary: a header, or an address. What stays inside one header's value is harmless.
Rules: RFC 5322 sections 2.2 and 3.6 (headers), CWE-93. Knows neither pytest nor how emails are captured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import FirstHeaderLineIsContinuationDefect
from email.errors import MissingHeaderBodySeparatorDefect
from email.policy import compat32
from typing import Any
from typing import TYPE_CHECKING

from flask_mail.parsed import walk_parts

from ._reading.describing import describe
from ._reading.parsed_mail import is_mail
from ._reading.parsed_mail import read

if TYPE_CHECKING:
    from ._outbox.attempts import Attempt

CANARY_HEADER = "X-Injection-Canary"
CANARY_ADDRESS = "canary@injection.invalid"
_LINE = f"{CANARY_HEADER}: 1"


class Payload(str):
    """A text to append to what a user may enter."""

    __slots__ = ("id",)
    #: The id of the test with it.
    id: str

    def __new__(cls, id: str, text: str) -> Payload:
        payload = super().__new__(cls, text)
        payload.id = id
        return payload


#: To be appended to a name, a subject, an address: ``"Ann" + payload``.
HEADER_INJECTIONS = [
    Payload("crlf-header", f"\r\n{_LINE}"),
    Payload("lf-header", f"\n{_LINE}"),
    Payload("cr-header", f"\r{_LINE}"),
    Payload("lf-cr-header", f"\n\r{_LINE}"),
    Payload("nul-crlf-header", f"\0\r\n{_LINE}"),
    Payload("crlf-blank-line", f"\r\n\r\n{_LINE}"),
    Payload("lf-blank-line", f"\n\n{_LINE}"),
    Payload("folded-blank-line", f"\r\n \r\n{_LINE}"),
    Payload("folded-then-header", f"\r\n folded\r\n{_LINE}"),
    Payload("vertical-tab-header", f"\x0b{_LINE}"),
    Payload("form-feed-header", f"\x0c{_LINE}"),
    Payload("file-separator-header", f"\x1c{_LINE}"),
    Payload("next-line-header", f"\x85{_LINE}"),
    Payload("line-separator-header", f"\u2028{_LINE}"),
    Payload("paragraph-separator-header", f"\u2029{_LINE}"),
    # Cut to one byte each, the two ideographs are CR and LF.
    Payload("truncated-to-crlf-header", f"\u560d\u560a{_LINE}"),
    Payload("percent-encoded-header", f"%0d%0a{CANARY_HEADER}%3A%201"),
    Payload("encoded-word-header", f"=?utf-8?q?=0D=0A{CANARY_HEADER}=3A_1?="),
    Payload("crlf-bcc", f"\r\nBcc: {CANARY_ADDRESS}"),
    Payload("lf-cc", f"\nCc: {CANARY_ADDRESS}"),
    Payload("crlf-to", f"\r\nTo: {CANARY_ADDRESS}"),
    Payload("crlf-reply-to", f"\r\nReply-To: {CANARY_ADDRESS}"),
    Payload("crlf-from", f"\r\nFrom: {CANARY_ADDRESS}"),
    Payload("crlf-subject", f"\r\nSubject: {CANARY_HEADER}"),
    Payload("crlf-body", f"\r\nContent-Type: text/html\r\n\r\n<p>{_LINE}</p>"),
    Payload("comma-address", f", {CANARY_ADDRESS}"),
    Payload("angle-address", f" <{CANARY_ADDRESS}>, "),
    Payload("quote-address", f'" <{CANARY_ADDRESS}>, "'),
    Payload("smtp-recipient", f">\r\nRCPT TO:<{CANARY_ADDRESS}"),
    Payload("smtp-second-mail", f"\r\n.\r\nMAIL FROM:<{CANARY_ADDRESS}>"),
]

_ADDRESS_HEADERS = re.compile(
    r"(?:resent-)?(?:from|sender|to|cc|bcc|reply-to)|return-path|errors-to|return-receipt-to"
    r"|disposition-notification-to",
    re.IGNORECASE,
)
_ONCE = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to"}
    | {"references", "mime-version", "content-type", "content-transfer-encoding", "content-disposition"}
)
_NOT_AN_ADDRESS = re.compile(r'"(?:[^"\\]|\\.)*"|=\?[^?\s]*\?[^?\s]*\?[^?\s]*\?=|\([^()]*\)', re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_HEADER = re.compile(r"([!-9;-~]+):")
#: Bytes at the start of a body that are searched for headers that slipped into it.
_LOOKED_AT = 2000
#: Statuses that mean that the call reached the wrong place, not that the text was refused.
_WRONG_PLACE = frozenset({401, 403, 404, 405})


def payload_id(value: object) -> str | None:
    """Return the id of a test with this value; None if it is not a payload."""
    return value.id if isinstance(value, Payload) else None


def assert_no_header_injection(emails: object) -> None:
    """Fail if a text was injected as a header or an address, in one email or in any of several.

    :param emails: an outbox, a list of emails, an email, a message that was not sent, or bytes.
    :raises AssertionError: the text says where.
    :raises TypeError: this is neither an email nor several.
    """
    __tracebackhide__ = True
    every = _each_email(emails)
    for number, mail in enumerate(every):
        if found := find_injections(mail):
            place = f"[{number}] " if len(every) > 1 or mail is not emails else ""
            raise AssertionError("\n  ".join([f"header injection in {place}{describe(mail)}", *found]))


def assert_rejects_injection(call: Callable[[str], object]) -> None:
    """Fail unless a call refuses each of the payloads or sends only harmless emails.

    A refusal is a ValueError, as all errors of a message are, or a 4xx exception or response other than 401,
    403, 404 and 405. No mail leaves the process. A message or bytes that the call returns are checked, too.

    :param call: takes one text as a user may enter it.
    :raises AssertionError: the text says what each payload did.
    """
    __tracebackhide__ = True
    faults = [f"{one.id}: {fault}" for one in HEADER_INJECTIONS for fault in _try(call, one)]
    if faults:
        number = len({fault.partition(":")[0] for fault in faults})
        head = f"{number} of {len(HEADER_INJECTIONS)} payloads were neither refused nor harmless"
        raise AssertionError("\n  ".join([head, *faults]))


def find_injections(mail: object) -> list[str]:
    """Return what was injected, a line each; an empty list for a message that cannot be sent."""
    raw = _raw(mail)
    if raw is None:
        return []
    if b"\r\n" not in raw:
        raw = raw.replace(b"\n", b"\r\n")
    found = [*_in_raw(raw), *_in_parts(raw), *_in_envelope(getattr(mail, "envelope", None))]
    return list(dict.fromkeys(found))


def _raw(mail: Any) -> bytes | None:
    """Return the bytes of the email; None for a message that sending will refuse."""
    if not hasattr(mail, "raw") and hasattr(mail, "has_bad_headers") and mail.has_bad_headers():
        return None
    try:
        return read(mail).email.raw
    except ValueError:
        return None


def _each_email(emails: Any) -> list[Any]:
    if isinstance(emails, str):
        return [emails.encode("utf-8", "surrogateescape")]
    if is_mail(emails):
        return [emails]
    if not isinstance(emails, Iterable):
        raise TypeError(
            f"{emails!r:.80} is neither an email nor several. Give an outbox, a Message, or bytes."
        )
    return [read(mail).mail for mail in emails]


def _in_raw(raw: bytes) -> Iterator[str]:
    """Read the header like programs that end lines at other characters than CRLF."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "surrogateescape").splitlines()
    names = {match[1].lower() for line in lines if (match := _HEADER.match(line))}
    if CANARY_HEADER.lower() in names:
        yield f"{CANARY_HEADER} begins a line of the header"
    start = body[:_LOOKED_AT].decode("utf-8", "replace").partition("\r\n\r\n")[0].split("\r\n")
    has_canary = CANARY_HEADER in start[0] or CANARY_ADDRESS in start[0]
    if has_canary and any(match[1].lower() in _ONCE for line in start[1:] if (match := _HEADER.match(line))):
        yield f"the header ends early, and the body begins with {start[0]!r}"


def _in_parts(raw: bytes) -> Iterator[str]:
    """Read the headers of every part as the standard library does."""
    for number, (_, part) in enumerate(walk_parts(message_from_bytes(raw, policy=compat32))):
        where = f" of part {number}, {part.get_content_type()}" if number else ""
        names = [name.lower() for name in part.keys()]  # noqa: SIM118 # a Message is no dict: keys() repeats
        if CANARY_HEADER.lower() in names:
            yield f"{CANARY_HEADER} is a header{where}"
        yield from (f"{name.title()} appears twice in the header{where}" for name in _twice(names))
        for name, value in part.items():
            if _ADDRESS_HEADERS.fullmatch(name) and _has_canary_address(str(value)):
                yield f"{CANARY_ADDRESS} is an address in {name}: {str(value)!r}{where}"
        for defect in part.defects:
            if isinstance(defect, FirstHeaderLineIsContinuationDefect | MissingHeaderBodySeparatorDefect):
                yield f"the header{where} has a line that is not a header"


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if name in _ONCE and names.count(name) > 1})


def _has_canary_address(value: str) -> bool:
    """Whether the address stands on its own, rather than within a name or a comment."""
    return CANARY_ADDRESS in _NOT_AN_ADDRESS.sub(" ", value).lower()


def _in_envelope(envelope: Any) -> Iterator[str]:
    if envelope is None:
        return
    roles = [("return path", [envelope.mail_from]), ("recipient", envelope.rcpt_tos)]
    roles += [("option", [*envelope.mail_options, *envelope.rcpt_options])]
    for role, values in roles:
        for value in values:
            if _has_canary_address(value) or _CONTROLS.search(value):
                yield f"the envelope has the {role} {value!r}"


def _try(call: Callable[[str], object], payload: Payload) -> list[str]:
    """Return what went wrong in the call; an empty list if it refused the payload, or did no harm."""
    from ._outbox.outbox import Outbox

    faults = []
    with Outbox.capture() as outbox:
        try:
            answer = call(payload)
        except Exception as error:  # noqa: BLE001 # whatever the application raises is its answer
            answer = None
            faults = [] if _is_refusal(error) else [f"raised {error!r}"]
    faults += _wrong_status(getattr(answer, "status_code", None), outbox.attempts)
    answers = [answer] if is_mail(answer) and not hasattr(answer, "status_code") else []
    return faults + [what for mail in [*outbox, *answers] for what in find_injections(mail)]


def _is_refusal(error: Exception) -> bool:
    code = getattr(error, "code", None)
    is_http_refusal = isinstance(code, int) and 400 <= code < 500 and code not in _WRONG_PLACE
    return isinstance(error, ValueError) or is_http_refusal


def _wrong_status(status: object, attempts: list[Attempt]) -> list[str]:
    if not isinstance(status, int) or (status < 500 and status not in _WRONG_PLACE):
        return []
    if status < 500:
        return [f"was answered with {status}: the call did not reach the form"]
    refusals = [one for one in attempts if _is_refusal(one.error)][-1:]
    hints = [f", because nothing caught {type(one.error).__name__} from {one.place}" for one in refusals]
    return [f"was answered with {status}{''.join(hints)}"]
