"""Amazon ECS: services and tasks that really run."""
