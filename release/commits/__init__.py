"""Twenty bad commits and ten harmless ones, and the machine that tries them: what the gates are worth."""
