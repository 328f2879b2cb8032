locals {
  event = {
    action          = "apply"
    document        = var.access
    secret_arns     = { for name, secret in aws_secretsmanager_secret.login : name => secret.arn }
    expected_digest = local.expected_digest
  }
}

# Another document, function or database replaces the invocation, which invokes again; so does drift, because it changes the
# digest. Not CRUD: there a failed update is kept as done
# (https://github.com/hashicorp/terraform-provider-aws/issues/43447), while a failed creation is tried again.
resource "aws_lambda_invocation" "apply" {
  function_name   = module.bootstrap.name
  input           = jsonencode(local.event)
  lifecycle_scope = "CREATE_ONLY"

  triggers = { package = module.bootstrap.package_hash, database = coalesce(var.database.resource_id, var.database.address) }

  lifecycle {
    precondition {
      condition = length(local.refusals) == 0
      error_message = join("\n", concat(
        ["The access document cannot be carried out on database ${var.database.name}; nothing was changed."],
        [for refusal in local.refusals : "- ${refusal}"],
        ["If the cause will pass, such as a database that cannot be reached now: `-var preview_access=false` does not ask beforehand."],
      ))
    }

    # Lambda takes 4,096 characters of variables as JSON; the others of the function that rotates take fewer than 600. Terraform
    # and Secrets Manager add 34 to a secret's name.
    precondition {
      condition     = length(jsonencode(jsonencode({ for name in local.rotated_logins : name => "${local.own_secrets}${name}${format("%033d", 0)}" }))) <= 3496
      error_message = "${length(local.rotated_logins)} logins with credential = \"rotated\" are too many for one function: Lambda limits its variables to 4 KB, about 24 logins. Use iam for some."
    }
  }
}
