"""The settings of an application: read from its configuration, checked, and immutable.

The only package that knows the names of the configuration keys.
"""
