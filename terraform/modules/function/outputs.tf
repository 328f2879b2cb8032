output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "invocable_name" {
  description = "Name of the function, unknown while its code or environment is about to be replaced, so that a data source waits for the new one."
  # Terraform defers a data source that refers to a changing resource, but not one that refers to an output.
  value = (
    length(jsonencode(var.environment)) > 0 && aws_lambda_function.this.code_sha256 == aws_lambda_function.this.source_code_hash ? aws_lambda_function.this.function_name
    : aws_lambda_function.this.last_modified == null ? null : aws_lambda_function.this.function_name
  )
}

output "package_hash" {
  description = "SHA-256 of the function's zip, in base 64."
  value       = aws_lambda_function.this.source_code_hash
}

output "timeout_seconds" {
  description = "Seconds after which Lambda ends an invocation."
  value       = aws_lambda_function.this.timeout
}

output "handler" {
  description = "The Python function that is called for an event."
  value       = aws_lambda_function.this.handler
}

output "environment" {
  description = "Environment variables of the function."
  value       = var.environment
}
