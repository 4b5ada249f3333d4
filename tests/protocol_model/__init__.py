"""The protocol that moves orders, small enough to search every state it can reach."""
