"""Real clusters ask who one is and what one may: rights, TLS, SASL."""
