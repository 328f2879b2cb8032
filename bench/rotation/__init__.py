"""Which requests fail while a credential rotates, by the design of the rotation."""
