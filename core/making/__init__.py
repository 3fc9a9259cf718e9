"""A job from its beginning to its sound: who runs it, who follows it, and how long it takes."""
