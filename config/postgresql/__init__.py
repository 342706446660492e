"""Django's PostgreSQL backend, which refuses a server older than Linli needs."""
