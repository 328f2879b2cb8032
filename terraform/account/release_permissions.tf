# Objects that main's jobs pass on in the bucket of the states: the function's zip, which the build puts and others
# read, and saved plans of one environment each, which the job that plans puts and only the approved deployment reads.
locals {
  artifacts = "arn:${local.partition}:s3:::${var.project_name}-terraform-state-${local.registry_account_id}/artifacts/*"

  # Planning happens before the approval. So this role changes nothing but the code of the function that can only plan, and it
  # cannot read a plan back.
  release_plan = concat(local.drift, [
    { Sid = "SavePlans", Action = ["s3:PutObject"], Resource = [for name in var.deploy_environments : "${module.state_bucket.arn}/plans/${name}/*"] },
    {
      Sid      = "UpdatePlanner"
      Action   = ["lambda:UpdateFunctionCode"]
      Resource = [for own in local.own : "arn:${local.partition}:lambda:${local.place}:function:${own}-access-plan"]
    },
  ])
}

# Also for principals whose own policies allow all of S3, such as administrators.
data "aws_iam_policy_document" "state_bucket" {
  dynamic "statement" {
    for_each = merge(
      { DenySavingPlans = { action = "s3:PutObject*", path = "*", role = "release-plan" } },
      { for name in var.deploy_environments : "DenyReadingPlansOf${title(name)}" => { action = "s3:GetObject*", path = "${name}/*", role = "deploy-${name}" } },
    )

    content {
      sid       = statement.key
      effect    = "Deny"
      actions   = [statement.value.action]
      resources = ["${local.state_bucket_arn}/plans/${statement.value.path}"]

      principals {
        type        = "AWS"
        identifiers = ["*"]
      }

      condition {
        test     = "ArnNotEquals"
        variable = "aws:PrincipalArn"
        values   = ["arn:${local.partition}:iam::${local.account_id}:role/${var.project_name}-${statement.value.role}"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.registry_client_account_ids) == 0 ? [] : ["ReadArtifactsFromOtherAccounts"]

    content {
      sid       = statement.value
      actions   = ["s3:GetObject"]
      resources = [local.artifacts]

      principals {
        type        = "AWS"
        identifiers = [for id in var.registry_client_account_ids : "arn:${local.partition}:iam::${id}:root"]
      }
    }
  }
}
