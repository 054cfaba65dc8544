"""The words that the field does not use, with those that it does.

Read by ``check_style``. A space in WORDS and ALLOWED is a space, a hyphen, an underscore, an end of line, or
nothing, so that ``first octet`` finds ``first_octet`` as well; and capitals make no difference there.
"""

from __future__ import annotations

from typing import NamedTuple

WORDS_CHECKED = (
    ".ci/",
    ".github/",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benchmarks/",
    "conftest.py",
    "docs/",
    "examples/",
    "flask_mail/",
    "noxfile.py",
    "pyproject.toml",
    "pytest_flask_mail/",
    "tests/matching/",
    "tests/outbox/",
    "tests/parsed/",
    "tests/plugin/",
    "tests/server/",
    "tests/typing/",
)
"""Where the words are looked for: a file, or a folder with all that is in it."""

UNCHECKED = (
    "LICENSE",
    # Full of what is looked for.
    ".ci/words.py",
    "tests/test_check_style.py",
)
"""Where neither words nor left-over notes and paths are looked for."""

_MAIL_THINGS = "servers?|hosts?|programs?|librar(?:y|ies)|clients?|objects?|options?|fixtures?|extensions?"

WORDS = {
    "mails": "emails, messages",
    f"(?:an?|one|each|every|another|either|1) (?-i:mail)(?! (?:{_MAIL_THINGS}))": "an email, a message",
    "letters?": "message, email",
    "parcels?": "BatchItem, message",
    "TLS from the first octet|first octets?": "implicit TLS (SMTPS)",
    "octets?": "bytes",
    "sign(?:s|ed|ing)? ins?": "log in, authentication, credentials",
    "(?:un)?met": "triggered",
    "meets? (?:no |an? |the )?faults?": "triggers",
    "answered so": "in reply to MAIL",
    "in the phase": "while waiting for the greeting; in reply to MAIL",
    "carr(?:y|ies|ied|ying)": "send, transmit, contain",
    "hand(?:s|ed|ing)? (?:it |them |him )?over": "send, deliver, pass",
    "(?:give|gives|gave|given|giving) (?:it |them )?back": "return, release",
    "(?:take|takes|took|taken|taking) (?:it |them )?over": "accept, reuse, apply",
    "(?:un)?seal(?:s|ed|ing)?": "render, prepare",
    "part(?:s|ed|ing)? with": "close",
    "anew": "again, recreate, reconnect",
    "first documentation": "Flask-Mail 0.3 to 0.7",
    "warned of": "raises a ConfigWarning; init_app warns",
    "only matters? to a connection": "connection settings are checked lazily",
    "looks? like a misspell?e?d? one": "likely typos",
    "but for a server on this machine": "unless the server is local",
    "none or another": "unless exactly one message matches",
    "(?:has|have) no room(?! for)": "does not fit: the rest is summarised",
    "what gives the": "a context manager for the",
    "# where bounces go": "envelope sender (return path)",
    "# images in the text": "inline images",
    "# sending nothing": "suppressing email",
    "# later, or never": "retries",
    "rooms": "modules, packages",
}
"""What is not said, and what is said instead."""

NAMES = {
    "Dialogue": "SMTPChannel",
    "_?last_word|_LAST_WORD": "_read_final_reply, _FINAL_REPLY_TIMEOUT",
    "(?:_is_)?astray|def doubt": "out_of_sync, mark_unknown",
    "_Goodbye": "closed_by_server, ServiceClosing",
    "(?:_is_)?cut_off": "connection_lost, Verdict.NOT_BEGUN",
    "def spread": "receipts_concurrently",
    "lend|_Lent|KeptHosts|class Kept": "ConnectionPool, Lines.take, Lines.release",
    "_own_host|_is_shared": "line, is_pooled",
    "_conclude|_conclude_all": "report",
    "_takers|def takes": "interceptors, intercepts",
    "_NO_MATTER_OF_REACHING": "_NEVER_SILENCED",
    "patiently|def pauses": "retry, backoff",
    "def stamp|date_to_write|_date_sent": "fill_in",
    "follow_as|_is_as_seen|def follow": "snapshot, is_unchanged",
    "opening_values": "connection_key",
    "_?Burst": "Write",
    "is_fresh|_FRESH": "was_used_recently, _SAFE_IDLE",
    "as_data|as_chunk": "data_pieces, bdat_pieces",
    "_Offers": "extensions",
    "_People|def receivers": "Content, recipients",
    "class Watch|over_outbox|catch_up": "MailContext, use_outbox, apply_pending",
    "def (?:meet|suffer|undergo)": "apply_faults, find_reply, perform",
    "def answers": "reply_to_list",
    "def shown": "quoted",
    "class Wire|class Shared|class Spare": "InputBuffer, ServerState, LoopCache",
    "AGREES": "POSITIVE_REPLIES",
    "breaker|Breaker|casualties|def told": "faulty_server, allowed_losses, error_text",
}
"""Names that were made up, and what the field calls these things."""


class Allowed(NamedTuple):
    """What is said all the same: in files whose path fits ``places``."""

    pattern: str
    reason: str
    places: str = "*"


ALLOWED = (
    Allowed(r"(?<=\.)mails|def mails|(?<=`)mails(?=`)|ca_pem, mails", "a public name of SMTPServer"),
    Allowed(r"Outbox: \d+ mails?|\d+ mails?>", "how an outbox and a server show themselves"),
    Allowed("(?:that|suite) mails (?:to|from)", "the verb"),
    Allowed(
        "(?:capital|small|first|last|header|between|join|into|its|other|of|these) letters?"
        "|letters?(?: case|,? (?:and|or|digits|that look|given)| =)",
        "those of the alphabet",
    ),
    Allowed("octet stream", "a media type"),
    Allowed("(?:45|57|64|75|76|78|255|256|320|512|998|1,?000) octets?", "arithmetic of an RFC"),
    Allowed("answered so that", "two words that meet by chance"),
    Allowed("signs in (?:its|their|the) (?:display )?names?", "characters"),
    Allowed("carr(?:y|ies|ied|ying) (?:on|out)", "continue, do"),
    Allowed("(?:an?|the|each|every|one|html|text) part with", "a part of a message"),
    Allowed("room for", "space for"),
    Allowed("conditions are met|met with an error", "plain English"),
    Allowed("unmet (?:faults|failures)", "names of development versions", "CHANGELOG.md"),
    Allowed("(?:is |not |_)?met", "a goal is", "benchmarks/*"),
    Allowed("met", "a goal is", "docs/performance.md"),
)
