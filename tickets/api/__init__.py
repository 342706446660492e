"""The HTTP face of tickets."""
