"""What a take is made of, how it comes of others, and what it tells of itself."""
