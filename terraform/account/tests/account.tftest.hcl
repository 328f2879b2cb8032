# What an account is given, asked of a whole apply against a made-up AWS.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  github_repository    = "example/taproom"
  github_owner_id      = "1001"
  github_repository_id = "2002"
}

run "every_role_has_its_boundary_and_old_images_expire_but_for_releases" {
  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.deploy), values(aws_iam_role.repository)) : role.permissions_boundary == aws_iam_policy.pipeline_boundary.arn])
    error_message = "Every role must have its boundary."
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.service[0].policy).rules : lookup(rule.selection, "tagPrefixList", [rule.selection.tagStatus])] == [["release-"], ["untagged"], ["any"]]
    error_message = "Old images must go, but those of releases match the first rule, which keeps them."
  }
}

run "an_environment_that_is_not_named_has_no_role_and_no_boundary" {
  variables { deploy_environments = ["dev"] }

  assert {
    condition     = toset(keys(aws_iam_role.deploy)) == toset(["dev"]) && toset(keys(aws_iam_policy.workload_boundary)) == toset(["dev"])
    error_message = "There must be roles of dev alone."
  }
}

run "names_that_do_not_identify_one_repository_or_environment_are_refused" {
  command = plan

  variables {
    project_name         = "internal-tap"
    github_repository    = "example/*"
    github_owner_id      = "example"
    github_repository_id = "*"
    deploy_environments  = ["pre-prod"]
    state_version_days   = 7
    access_log_days      = -1
    registry_account_id  = "123"
  }

  expect_failures = [
    var.project_name,
    var.github_repository,
    var.github_owner_id,
    var.github_repository_id,
    var.deploy_environments,
    var.state_version_days,
    var.access_log_days,
    var.registry_account_id,
  ]
}

run "names_that_the_account_or_aws_uses_itself_are_refused" {
  command = plan

  variables {
    project_name        = "sg-tap"
    deploy_environments = ["dev", "release"]
  }

  expect_failures = [var.project_name, var.deploy_environments]
}

run "wildcards_are_refused_where_environments_are_told_apart" {
  command = plan

  variables {
    domain_names                = { dev = ["*.example.com"] }
    database_resource_ids       = { dev = "*" }
    registry_client_account_ids = ["*"]
  }

  expect_failures = [var.domain_names, var.database_resource_ids, var.registry_client_account_ids]
}

run "names_and_databases_of_no_single_environment_are_refused" {
  command = plan

  variables {
    github_repository     = "taproom"
    domain_names          = { dev = ["beers.example.com"], prod = ["beers.example.com"] }
    database_resource_ids = { qa = "db-ABC" }
  }

  expect_failures = [var.github_repository, var.domain_names, var.database_resource_ids]
}

run "an_account_can_use_the_registry_of_another_one" {
  variables {
    deploy_environments = ["prod"]
    registry_account_id = "999999999999"
  }

  assert {
    condition     = output.image_repository_url == "999999999999.dkr.ecr.us-east-1.amazonaws.com/taproom" && output.build_role_arn == null && length(aws_ecr_repository.service) == 0
    error_message = "Images must come from the other account, and none be built for this one."
  }

  assert {
    condition     = length(local.own_database_ids) == 1 && local.own_database_ids["prod"] == "*"
    error_message = "The only environment of an account needs no resource ID to log in by token."
  }
}

run "an_account_shares_its_registry_with_others" {
  variables { registry_client_account_ids = ["999999999999"] }

  assert {
    condition     = aws_ecr_repository_policy.clients[0].repository == "taproom" && one(data.aws_iam_policy_document.registry_clients.statement[0].principals).identifiers == toset(["arn:aws:iam::999999999999:root"])
    error_message = "The named account, and no other, must be able to use the images."
  }
}
