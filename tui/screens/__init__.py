"""Whole pages of the studio."""
