"""Amazon EventBridge: rules and schedules."""
