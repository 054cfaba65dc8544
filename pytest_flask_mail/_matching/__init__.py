"""IsMail: matching emails, explaining mismatches, and searching.

Knows neither outbox nor server.
"""
