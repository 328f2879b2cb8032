"""Amazon CloudWatch: metrics, and alarms that go off."""
