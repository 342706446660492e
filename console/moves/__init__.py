"""Moves in pages: their forms, made from the moves' own inputs, and making them."""
