"""Phase 2: conditions to tokens."""
