"""Delivery: choosing the host for a message, retrying, and reporting the outcome.

A ``Line`` is an open host with the settings it was opened with, and ``lines`` is the pool of idle ones.
``sender`` routes, retries and reports. ``connection`` is the public class.
"""
