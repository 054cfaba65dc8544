"""A module for each group of rows: what is measured, how, and what is to be reached."""
