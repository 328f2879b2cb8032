output "secret_arn" {
  description = "Secret with the token, known once it has a value."
  value       = aws_secretsmanager_secret.this.arn

  depends_on = [aws_secretsmanager_secret_version.first]
}
