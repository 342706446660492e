"""Measurements: how fast Linli files, lists and moves. Nothing here is part of the product."""
