"""One function for each command and each message: one unit of work, one commit."""
