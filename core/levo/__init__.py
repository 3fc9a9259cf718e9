"""LeVo 2 (SongGeneration v2): text and reference to tokens, tokens to 48 kHz stereo."""
