"""Sound in files, in pictures and in the air."""
