"""Sound where somebody sits: what is played, the server that lets a browser tab play it, and its page."""
