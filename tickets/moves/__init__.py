"""The moves of a ticket: a mixin for each subject, and beside it the inputs and the guards of its moves."""
