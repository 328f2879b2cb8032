"""AWS Budgets: notifications, tags and updates that moto lacks."""
