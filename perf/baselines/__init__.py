"""What was there before, made again to be measured beside what replaced it."""
