"""What people do and see, in the business's words: shopper, seller, operator, administrator, carrier."""
