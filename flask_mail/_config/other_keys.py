"""Names that other frameworks, and many applications, use for one of our keys.

A program may use them for a purpose of its own: they raise no warning, and are named if our key is missing.
"""

from __future__ import annotations

#: Which of ours a key stands for.
OTHER_KEYS = {
    "MAIL_HOST": "MAIL_SERVER",
    "MAIL_HOSTNAME": "MAIL_SERVER",
    "MAIL_SMTP_HOST": "MAIL_SERVER",
    "MAIL_SMTP_SERVER": "MAIL_SERVER",
    "EMAIL_HOST": "MAIL_SERVER",
    "SMTP_HOST": "MAIL_SERVER",
    "SMTP_SERVER": "MAIL_SERVER",
    "MAIL_SMTP_PORT": "MAIL_PORT",
    "EMAIL_PORT": "MAIL_PORT",
    "SMTP_PORT": "MAIL_PORT",
    "MAIL_USER": "MAIL_USERNAME",
    "MAIL_LOGIN": "MAIL_USERNAME",
    "EMAIL_HOST_USER": "MAIL_USERNAME",
    "MAIL_PASS": "MAIL_PASSWORD",
    "EMAIL_HOST_PASSWORD": "MAIL_PASSWORD",
    "MAIL_STARTTLS": "MAIL_USE_TLS",
    "EMAIL_USE_TLS": "MAIL_USE_TLS",
    "MAIL_SSL_TLS": "MAIL_USE_SSL",
    "EMAIL_USE_SSL": "MAIL_USE_SSL",
    "MAIL_FROM": "MAIL_DEFAULT_SENDER",
    "MAIL_FROM_ADDRESS": "MAIL_DEFAULT_SENDER",
    "MAIL_SENDER": "MAIL_DEFAULT_SENDER",
    "DEFAULT_FROM_EMAIL": "MAIL_DEFAULT_SENDER",
    "MAIL_REPLY_TO": "MAIL_DEFAULT_REPLY_TO",
}
#: More that look like one of ours and stand for none.
UNRELATED_KEYS = frozenset({
    "MAIL_DEBUG_BODY", "MAIL_FROM_NAME", "MAIL_SENDER_NAME", "MAIL_DEFAULT_SENDER_NAME",
    "MAIL_DEFAULT_RECIPIENT", "MAIL_RETRY", "MAIL_MAX_RETRIES",
})  # fmt: skip
