"""The community's part of the API: signing in, who I am, where I live."""
