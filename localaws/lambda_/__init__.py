"""AWS Lambda: functions that run from their zips."""
