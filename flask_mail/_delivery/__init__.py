"""Delivery: which host a message goes to, how often it is tried, and what is reported afterwards.

A ``Line`` is an open host with the settings it was opened with, ``lines`` is the pool of them,
``sender`` routes, retries and reports, and ``connection`` is the public face.
"""
