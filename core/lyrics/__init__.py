"""Lyrics as text with structure tags: parsing, checking, budgets and the engine's own notation; no torch."""
