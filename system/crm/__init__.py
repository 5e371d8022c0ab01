"""CRM: the sellers' side: approving orders, finding them by a customer's words, closing them, and hearing the carrier."""
