output "secret_arn" {
  description = "Secret that holds the token, given out once there is a value in it."
  value       = aws_secretsmanager_secret.this.arn

  depends_on = [aws_secretsmanager_secret_version.first]
}
