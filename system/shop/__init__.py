"""The shop: the catalogue, every order's content and number, and the stock of ready-made goods."""
