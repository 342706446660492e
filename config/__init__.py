"""The house: settings, addresses, and the doors of web server, worker and beat."""
