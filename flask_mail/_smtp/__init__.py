"""SMTP: from an open connection to the outcome of each message.

Knows settings and envelopes; never looks at a :class:`flask_mail.Message`.
Rules: RFC 5321 (SMTP), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
"""
