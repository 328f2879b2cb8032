"""AWS Secrets Manager: versions, staging labels, rotation."""
