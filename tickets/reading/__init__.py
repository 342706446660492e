"""Reading tickets: what somebody sees of one, of its timeline and of lists. Nothing here knows a request, so that any face can use it."""
