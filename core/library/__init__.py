"""Songs and takes as they lie on disk, their index, and the queue of what is to be made."""
