"""What an order may contain, when it may change, and what stock allows. Imports nothing that does IO; time and ids come in."""
