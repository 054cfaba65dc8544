"""A mail, whoever caught it: what its bytes say, to whom it went, and what a test asks it.

Knows neither outbox nor server.
"""
