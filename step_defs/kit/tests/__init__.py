"""The kit's own tests: each rule is broken once and must be noticed."""
