"""What ``plugin`` needs for a test: its outbox and servers, failure texts, reports, and the guard.

Takes pytest's objects as arguments, and does not import pytest.
"""
