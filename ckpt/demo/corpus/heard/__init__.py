"""What is measured in a song's sound, the corpus's and the model's: tempo, pitch, mode, syllables, vowels."""
