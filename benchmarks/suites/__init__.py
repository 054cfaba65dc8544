"""Suites that pytest runs in the environments of the peers; the project's own tests are elsewhere."""
