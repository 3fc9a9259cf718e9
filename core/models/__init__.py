"""Models as a person has them: what is here, what fits this machine, and how they are fetched."""
