"""What is done with them: one command, one unit of work."""
