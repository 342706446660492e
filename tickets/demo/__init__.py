"""The demo street at work: four stories told through the API, and a month of tickets to look at."""
