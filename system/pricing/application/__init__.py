"""The commands and reactions of pricing: each one unit of work, one commit."""
