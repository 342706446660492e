"""A second subject: owners vote on a question. It stands on the engine alone, and knows no ticket."""
