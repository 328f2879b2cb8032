"""Compare desired and actual access, and derive the ordered statements between them."""
