"""The mail that a batch ends with: its text and pages, the lists and the slips attached to it."""
