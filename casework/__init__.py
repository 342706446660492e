"""What every kind of subject has in common: inputs, acting, notifying, the API."""
