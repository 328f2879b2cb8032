data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account_id    = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  github_issuer = "token.actions.githubusercontent.com"
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.github_issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

# A job gets the role of one environment only if it runs in GitHub's environment of that name, where people and branches
# that may deploy are named. Equality, no pattern: `repo:OWNER/REPOSITORY:*` would admit every branch and pull request.
data "aws_iam_policy_document" "assumed_by_github" {
  for_each = var.deploy_environments

  statement {
    sid     = "AssumedByGitHubEnvironment"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_issuer}:sub"
      values   = ["repo:${var.github_repository}:environment:${each.key}"]
    }
  }
}

resource "aws_iam_role" "deploy" {
  for_each = var.deploy_environments

  # Not PROJECT-ENVIRONMENT-*: roles with that beginning are what a deployment may change.
  name               = "${var.project_name}-deploy-${each.key}"
  description        = "What a deployment of ${each.key} from GitHub may do"
  assume_role_policy = data.aws_iam_policy_document.assumed_by_github[each.key].json
}

resource "aws_iam_role_policy" "deploy" {
  for_each = var.deploy_environments

  name   = "deploy"
  role   = aws_iam_role.deploy[each.key].name
  policy = data.aws_iam_policy_document.deploy[each.key].json
}
