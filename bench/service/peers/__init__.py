"""What the service is measured against: run in an environment of its own, it imports nothing of ours."""
