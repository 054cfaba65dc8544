"""Reading an email, captured or received: its bytes, its recipients, and the methods for tests.

Knows neither outbox nor server.
"""
