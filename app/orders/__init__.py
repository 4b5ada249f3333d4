"""The core: what an order is and how it moves. Knows neither HTTP nor threads."""
