"""What reaches the shop over HTTP."""
