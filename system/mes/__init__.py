"""MES: the operators' side of production: the board of work orders, claims, and the pay ledger."""
