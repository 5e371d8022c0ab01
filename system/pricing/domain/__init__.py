"""What a quote is and what a piece costs. No IO; time, ids and the price book come in."""
