"""A module for each mail library: writing and sending a letter with it, in its own environment."""
