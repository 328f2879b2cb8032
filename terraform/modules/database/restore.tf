# A restore makes another instance, with a suffix in its name, and the outputs change to that. The
# replaced instance stays as long as former_instances has it.

locals {
  suffix    = var.restore == null ? "" : "-${substr(sha256(jsonencode(var.restore)), 0, 8)}"
  instances = { for name in setunion(["${var.context.name}${local.suffix}"], var.former_instances) : name == var.context.name ? "first" : trimprefix(name, "${var.context.name}-") => name }
  active    = var.restore == null ? "first" : trimprefix(local.suffix, "-")

  # With a version, the provider has RDS upgrade what it restored from a snapshot, to a minor version that can be older:
  # https://github.com/terraform-aws-modules/terraform-aws-rds/issues/385
  versioned = setunion(["first"], try(var.restore.source, null) == null ? [] : [local.active])
}

# A plan that destroys or replaces a database would replace this too, and so fails. It also fails if a database is gone,
# where Terraform would make an empty one. To confirm, remove it from the state: docs/runbook.md#confirm-a-destruction.
resource "terraform_data" "confirm_the_destruction" {
  for_each = { for key, name in local.instances : key => name if !var.context.is_temporary }

  triggers_replace = aws_db_instance.this[each.key].resource_id

  lifecycle { prevent_destroy = true }
}
