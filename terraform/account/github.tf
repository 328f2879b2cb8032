locals {
  github_issuer = "token.actions.githubusercontent.com"
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.github_issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # What GitHub says of the job that asks. A job gets the role of one environment only if it runs in GitHub's environment of
  # that name, where people and branches that may deploy are named. A pull request from a fork gets no token at all.
  # Jobs on main that run in no environment push images and check for drift: they need no approval.
  subject_by_role = merge(
    {
      build = "repo:${var.github_repository}:ref:refs/heads/main"
      drift = "repo:${var.github_repository}:ref:refs/heads/main"
      plan  = "repo:${var.github_repository}:pull_request"
    },
    { for name in var.deploy_environments : "deploy-${name}" => "repo:${var.github_repository}:environment:${name}" },
  )
}

# Equality, no pattern: `repo:OWNER/REPOSITORY:*` would admit every branch and pull request.
data "aws_iam_policy_document" "assumed_by_github" {
  for_each = local.subject_by_role

  statement {
    sid     = "AssumeRoleFromGitHub"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [coalesce(var.github_oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_issuer}:sub"
      values   = [each.value]
    }
  }
}

# Not PROJECT-ENVIRONMENT-*: roles with that beginning are what a deployment may change.
resource "aws_iam_role" "deploy" {
  for_each = var.deploy_environments

  name                 = "${var.project_name}-deploy-${each.key}"
  description          = "What a deployment of ${each.key} from GitHub may do"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_github["deploy-${each.key}"].json
  permissions_boundary = aws_iam_policy.pipeline_boundary.arn
}

resource "aws_iam_policy" "deploy" {
  for_each = local.deploy_documents

  name        = "${var.project_name}-deploy-${each.key}"
  description = "Part of what a deployment from GitHub may do"
  policy      = each.value
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = local.deploy_documents

  role       = aws_iam_role.deploy[split("-", each.key)[0]].name # names of environments have no hyphen
  policy_arn = aws_iam_policy.deploy[each.key].arn
}

locals {
  # The roles that belong to no environment.
  repository_roles = { for name, role in {
    build = { does = "What a build on main may push", policy = data.aws_iam_policy_document.build.json }
    drift = { does = "What the daily drift check can read", policy = data.aws_iam_policy_document.drift.json }
    plan  = { does = "What a pull request can read to plan", policy = data.aws_iam_policy_document.plan.json }
  } : name => role if name != "build" || local.has_registry }
}

resource "aws_iam_role" "repository" {
  for_each = local.repository_roles

  name                 = "${var.project_name}-${each.key}"
  description          = each.value.does
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_github[each.key].json
  permissions_boundary = aws_iam_policy.pipeline_boundary.arn
}

resource "aws_iam_role_policy" "repository" {
  for_each = local.repository_roles

  name   = each.key
  role   = aws_iam_role.repository[each.key].name
  policy = each.value.policy
}
