"""The one service that decides the status of every order, runs its saga and keeps its timeline."""
