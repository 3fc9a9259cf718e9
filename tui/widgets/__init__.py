"""Parts of a page: plain data in, messages out."""
