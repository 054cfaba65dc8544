"""Comparison with earlier releases and other libraries. Results are ratios."""
