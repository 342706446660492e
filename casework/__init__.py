"""What every subject of the workflow has in common on its way through the house: inputs, acting, telling, the API."""
