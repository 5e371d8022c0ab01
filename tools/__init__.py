"""What a checkout needs around the system: preparing the machine, counting test results."""
