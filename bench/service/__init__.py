"""How fast the service answers, beside the same two operations on other foundations."""
