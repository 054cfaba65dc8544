"""What stands behind ``plugin``: what a test has of ours, its failure texts and reports, the guard.

Takes pytest's objects as they come, and does not import pytest.
"""
