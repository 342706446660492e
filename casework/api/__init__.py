"""The HTTP face of moves and timelines, the same for every kind of subject."""
