"""What an order may do next, and what follows. Imports nothing that does IO; time and ids come in."""
