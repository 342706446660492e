"""The demo street at work: four stories told through the API."""
