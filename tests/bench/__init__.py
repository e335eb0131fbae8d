"""Figures that others can repeat: ratios within one run on one machine, never a test."""
