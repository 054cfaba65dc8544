"""IsMail: what a mail has to look like, where it does not, and mails found by it.

Knows neither outbox nor server.
"""
