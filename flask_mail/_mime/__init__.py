"""Charsets, addresses, headers and MIME entities: from plain values to bytes.

Knows neither settings, nor Flask, nor :class:`flask_mail.Message`.
Rules: RFC 5322 (format), RFC 2045 to 2049 (MIME), RFC 6532 (UTF-8 headers).
"""
