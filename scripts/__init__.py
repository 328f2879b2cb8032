"""What make targets call: each module is a command, or what several commands share."""
