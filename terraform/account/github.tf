resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.github_issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  github_issuer = "token.actions.githubusercontent.com"

  # Names can be given up and registered by others; numbers cannot. GitHub writes both into the subject of its tokens, or
  # names alone in the legacy format, which leaves the number to the claim repository_id.
  # https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
  github_names = split("/", var.github_repository)
  github_repositories = concat(
    ["${local.github_names[0]}@${var.github_owner_id}/${local.github_names[1]}@${var.github_repository_id}"],
    var.trust_legacy_subject ? [var.github_repository] : [],
  )

  # The job that can assume each role: what follows the repository in its subject, and the workflow file that defines it. Only
  # files of main count, in runs on main. So a branch, a tag on another commit or an environment without protection rules gets
  # nothing, and changed workflows have been reviewed. Pull requests run their own files, so their role only reads; those from
  # forks get no token at all.
  trusted_jobs = merge(
    {
      build        = { context = "ref:refs/heads/main", file = "main.yml" }
      drift        = { context = "ref:refs/heads/main", file = "drift.yml" }
      plan         = { context = "pull_request", file = null }
      release-plan = { context = "ref:refs/heads/main", file = "plan.yml" }
    },
    { for name in var.deploy_environments : "deploy-${name}" => { context = "environment:${name}", file = "deploy.yml" } },
  )

  # By equality, without a pattern: `repo:OWNER/REPOSITORY:*` would admit every branch and pull request. AWS can check these claims:
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
  trusted_claims = { for role, job in local.trusted_jobs : role => merge(
    {
      aud           = ["sts.amazonaws.com"]
      repository_id = [var.github_repository_id]
      sub           = [for repository in local.github_repositories : "repo:${repository}:${job.context}"]
    },
    job.file == null ? {} : {
      job_workflow_ref = ["${var.github_repository}/.github/workflows/${job.file}@refs/heads/main"]
      ref              = ["refs/heads/main"]
    },
  ) }
}

data "aws_iam_policy_document" "assumed_by_github" {
  for_each = local.trusted_claims

  statement {
    sid     = "AssumeRoleFromGitHub"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [coalesce(var.github_oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))]
    }

    dynamic "condition" {
      for_each = each.value

      content {
        test     = "StringEquals"
        variable = "${local.github_issuer}:${condition.key}"
        values   = condition.value
      }
    }
  }
}

# Not PROJECT-ENVIRONMENT-*: roles with that beginning are those that a deployment can change.
resource "aws_iam_role" "deploy" {
  for_each = var.deploy_environments

  name                 = "${var.project_name}-deploy-${each.key}"
  description          = "Deployments of ${each.key} from GitHub"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_github["deploy-${each.key}"].json
  permissions_boundary = aws_iam_policy.pipeline_boundary.arn
  max_session_duration = 2 * 60 * 60 # a first apply can come near an hour, the default
}

resource "aws_iam_policy" "deploy" {
  for_each = local.deploy_documents

  name        = "${var.project_name}-deploy-${each.key}"
  description = "Part of what a deployment from GitHub may do"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [for one in each.value : merge({ Effect = "Allow" }, one)] })
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = local.deploy_documents

  role       = aws_iam_role.deploy[split("-", each.key)[0]].name # names of environments have no hyphen
  policy_arn = aws_iam_policy.deploy[each.key].arn
}

locals {
  # The roles that belong to no environment.
  repository_roles = { for name, role in {
    build = { does = "Builds on main: push images and zips", statements = local.build }
    drift = { does = "Daily drift checks: read", statements = local.drift }
    plan  = { does = "Plans of pull requests: read", statements = local.plan }

    release-plan = { does = "Plans of releases: read and save", statements = local.release_plan }
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
  policy = jsonencode({ Version = "2012-10-17", Statement = [for one in each.value.statements : merge({ Effect = "Allow" }, one)] })
}
