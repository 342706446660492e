"""A street under a clock of its own: invented people who report, work, forget and complain, through the real moves and the real sweep."""
