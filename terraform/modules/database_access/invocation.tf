locals {
  # The function refuses what it does not know, null among it: an attribute that was left out must stay out.
  roles  = { for name, role in var.access.roles : name => { for key, value in role : key => value if value != null } }
  logins = { for name, login in var.access.logins : name => { for key, value in login : key => value if value != null } }

  event = {
    action = "apply"
    document = {
      database = var.access.database
      schemas  = var.access.schemas
      roles    = local.roles
      logins   = local.logins
    }
    secret_arns = { for name, secret in aws_secretsmanager_secret.login : name => secret.arn }
  }
}

# Another document, function or database replaces the invocation, which invokes again. Not CRUD: there a failed update is
# kept as done (https://github.com/hashicorp/terraform-provider-aws/issues/43447), while a failed creation is tried again.
resource "aws_lambda_invocation" "apply" {
  function_name   = aws_lambda_function.this.function_name
  input           = jsonencode(local.event)
  lifecycle_scope = "CREATE_ONLY"

  triggers = {
    package  = aws_lambda_function.this.source_code_hash
    database = var.database.resource_id
  }
}
