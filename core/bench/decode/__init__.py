"""Phase 2 measured: steps a second along a song, beside the straightforward way, after a word on quality."""
