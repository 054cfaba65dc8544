"""How the server talks with one client: bytes, commands, replies.

Knows the server's options, its faults, and what it records; not the server itself. Needs aiosmtpd.
Rules: RFC 5321.
"""
