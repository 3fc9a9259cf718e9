"""Phase 1: a song to the conditions the language model reads."""
