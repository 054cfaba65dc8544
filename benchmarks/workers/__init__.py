"""A module for each mail library: writing and sending a sample with it, in its own environment."""
