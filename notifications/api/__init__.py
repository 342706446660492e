"""The inbox and the settings of a person, over HTTP."""
