"""Phase 3: tokens to sound."""
