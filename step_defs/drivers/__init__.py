"""How the system is reached: through its gateway, its broker and its containers. No business words here."""
