"""The OpenAPI document: what each view says of itself, and the one document all of it makes."""
