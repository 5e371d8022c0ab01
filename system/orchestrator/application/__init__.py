"""One command or one fact, one unit of work, one commit."""
