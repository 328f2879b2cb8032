# What an account is given, asked of a whole apply against a made-up AWS.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  github_repository = "example/taproom"
}

run "a_job_gets_the_role_of_the_environment_that_it_runs_in_and_no_other" {

  assert {
    condition = {
      for name, document in data.aws_iam_policy_document.assumed_by_github :
      name => one([for condition in document.statement[0].condition : "${condition.test} ${one(condition.values)}" if endswith(condition.variable, ":sub")])
      } == {
      build          = "StringEquals repo:example/taproom:ref:refs/heads/main"
      drift          = "StringEquals repo:example/taproom:ref:refs/heads/main"
      plan           = "StringEquals repo:example/taproom:pull_request"
      deploy-dev     = "StringEquals repo:example/taproom:environment:dev"
      deploy-staging = "StringEquals repo:example/taproom:environment:staging"
      deploy-prod    = "StringEquals repo:example/taproom:environment:prod"
    }
    error_message = "The subjects must be equal to one each."
  }

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.deploy), values(aws_iam_role.repository)) : role.permissions_boundary == aws_iam_policy.pipeline_boundary.arn])
    error_message = "Every role must have its boundary."
  }

  assert {
    condition     = toset(keys(output.deploy_role_arns)) == toset(["dev", "prod", "staging"])
    error_message = "Each environment must have its role."
  }

  assert {
    condition = alltrue(flatten([
      for name in ["network", "resources", "roles-and-keys", "state-and-image"] : [
        for environment in ["dev", "staging", "prod"] : aws_iam_role_policy_attachment.deploy["${environment}-${name}"].role == "taproom-deploy-${environment}"
      ]
    ]))
    error_message = "Each policy must be attached to its own environment's role."
  }
}

run "an_environment_that_is_not_named_has_no_role_and_no_boundary" {
  variables {
    deploy_environments = ["dev"]
  }

  assert {
    condition     = toset(keys(aws_iam_role.deploy)) == toset(["dev"]) && toset(keys(aws_iam_policy.workload_boundary)) == toset(["dev"])
    error_message = "There must be roles of dev alone."
  }

  assert {
    condition     = toset([for key in keys(aws_iam_policy.deploy) : split("-", key)[0]]) == toset(["dev"]) && keys(aws_iam_role_policy.deploy_write_token) == ["dev"] && keys(aws_iam_role_policy_attachment.deploy) == keys(aws_iam_policy.deploy)
    error_message = "There must be policies of dev alone."
  }
}

run "an_existing_oidc_provider_is_trusted_and_not_created_again" {
  command = plan

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "AWS refuses a second provider for one issuer."
  }
}

run "an_image_never_changes_under_its_tag_and_is_scanned" {

  assert {
    condition     = aws_ecr_repository.service.image_tag_mutability == "IMMUTABLE" && one(aws_ecr_repository.service.image_scanning_configuration).scan_on_push && one(aws_ecr_repository.service.encryption_configuration).encryption_type == "KMS"
    error_message = "It must be immutable, scanned and encrypted."
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.service.policy).rules : lookup(rule.selection, "tagPrefixList", [rule.selection.tagStatus])] == [["release-"], ["untagged"], ["any"]]
    error_message = "Old images must go, but those of releases match the first rule, which keeps them."
  }
}

run "states_and_logs_lie_in_buckets_of_this_very_account" {

  assert {
    condition     = output.state_bucket_name == "taproom-terraform-state-123456789012"
    error_message = "The states are in ${output.state_bucket_name}."
  }

  assert {
    condition     = strcontains(output.backend_configuration, "use_lockfile = true") && strcontains(output.backend_configuration, output.state_bucket_name)
    error_message = "This configuration's own state must lie there too, locked."
  }
}

run "states_and_logs_can_be_kept_for_ever" {
  command = plan

  variables {
    state_version_days = 0
    access_log_days    = 0
  }
}

run "names_that_do_not_identify_one_repository_or_environment_are_refused" {
  command = plan

  variables {
    project_name        = "internal-tap"
    github_repository   = "example/*"
    deploy_environments = ["pre-prod"]
    state_version_days  = 7
    access_log_days     = -1
  }

  expect_failures = [
    var.project_name,
    var.github_repository,
    var.deploy_environments,
    var.state_version_days,
    var.access_log_days,
  ]
}

run "a_repository_without_its_owner_and_no_environment_are_refused" {
  command = plan

  variables {
    github_repository   = "taproom"
    deploy_environments = []
  }

  expect_failures = [var.github_repository, var.deploy_environments]
}
