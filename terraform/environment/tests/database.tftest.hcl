# What a database demands of connections and logs, how its master password is rotated, and how it is restored.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  context           = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  database_name     = "beers"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
}

run "a_database_is_encrypted_with_the_given_key_and_demands_tls" {
  command = plan
  module { source = "../modules/database" }

  assert {
    condition     = aws_db_instance.this["first"].kms_key_id == var.context.kms_key_arn && aws_db_instance.this["first"].master_user_secret_kms_key_id == var.context.kms_key_arn && aws_db_instance.this["first"].performance_insights_kms_key_id == var.context.kms_key_arn
    error_message = "Everything must be encrypted with the environment's key."
  }

  assert {
    condition = alltrue([
      for setting in ["rds.force_ssl=1", "password_encryption=scram-sha-256", "rds.accepted_password_auth_method=scram", "pgaudit.log=ddl,role"] :
      contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], setting)
    ])
    error_message = "TLS and SCRAM must be demanded, and changes logged."
  }

  assert {
    condition     = alltrue([for parameter in aws_db_parameter_group.this.parameter : parameter.apply_method == "pending-reboot" if contains(["rds.force_ssl", "password_encryption", "max_connections"], parameter.name)])
    error_message = "What equals RDS's default, or is static, must be applied as RDS reports it: a plan would never be empty."
  }

  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.exported : trimprefix(group.name, "/aws/rds/instance/taproom-prod/")]) == aws_db_instance.this["first"].enabled_cloudwatch_logs_exports
    error_message = "Every log that RDS exports must have its group."
  }
}

run "monitoring_is_optional_a_schedule_replaces_days_and_a_snapshot_keeps_its_version" {
  command = plan
  module { source = "../modules/database" }

  variables {
    certificate_authority       = null
    monitoring_interval_seconds = 0
    restore                     = { snapshot = "taproom-prod-final-20261129100000" }
    allocated_gigabytes         = 400
    master_rotation             = { schedule = "rate(12 hours)", window_hours = 2 }
  }

  assert {
    condition     = alltrue([for made in [aws_iam_role.monitoring, aws_iam_role_policy_attachment.monitoring] : length(made) == 0])
    error_message = "What is asked not to be made must not be there."
  }

  assert {
    condition     = alltrue([for instance in aws_db_instance.this : instance.iops == 12000 && instance.storage_throughput == 500])
    error_message = "RDS would refuse to enlarge a database of less than 400 GB to this."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.master[local.active].rotation_rules[0].schedule_expression == "rate(12 hours)" && aws_secretsmanager_secret_rotation.master[local.active].rotation_rules[0].duration == "2h"
    error_message = "The rules are ${jsonencode(aws_secretsmanager_secret_rotation.master[local.active].rotation_rules)}."
  }

  assert {
    condition     = aws_db_instance.this[local.active].snapshot_identifier == var.restore.snapshot && !contains(local.versioned, local.active)
    error_message = "A restored snapshot must not be upgraded."
  }
}

run "a_database_name_that_rds_rejects_is_refused" {
  command = plan
  module { source = "../modules/database" }
  variables { database_name = "1beers" }

  expect_failures = [var.database_name]
}

run "a_restore_makes_another_instance_and_keeps_the_former_one" {
  command = plan
  module { source = "../modules/database" }

  variables {
    restore          = { source = "taproom-prod", at = "2026-11-29T10:00:00Z" }
    former_instances = ["taproom-prod"]
  }

  assert {
    condition     = output.identifier == "taproom-prod-${local.active}" && toset([for made in aws_db_instance.this : made.identifier]) == toset(["taproom-prod", output.identifier]) && aws_db_instance.this["first"].engine_version == "17"
    error_message = "The instances are ${jsonencode(local.instances)}, and ${output.identifier} is in use."
  }

  assert {
    condition = (
      aws_db_instance.this[local.active].restore_to_point_in_time[0].source_db_instance_identifier == "taproom-prod"
      && aws_db_instance.this[local.active].restore_to_point_in_time[0].restore_time == "2026-11-29T10:00:00Z"
      && aws_db_instance.this[local.active].engine_version == "17"
      && length(aws_db_instance.this["first"].restore_to_point_in_time) == 0
    )
    error_message = "It starts from ${jsonencode(aws_db_instance.this[local.active].restore_to_point_in_time)}."
  }

  assert {
    condition     = alltrue([for made in [aws_secretsmanager_secret_rotation.master, terraform_data.confirm_the_destruction] : toset(keys(made)) == toset(keys(local.instances))]) && length(aws_cloudwatch_log_group.exported) == 4
    error_message = "Each instance must have its rotation, its logs and its protection."
  }
}

run "two_backups_and_a_foreign_instance_are_refused" {
  command = plan
  module { source = "../modules/database" }

  variables {
    restore          = { snapshot = "a", source = "taproom-prod" }
    former_instances = ["taproom-dev"]
  }

  expect_failures = [var.restore, var.former_instances]
}

run "a_time_that_does_not_exist_is_refused" {
  command = plan
  module { source = "../modules/database" }
  variables { restore = { source = "taproom-prod", at = "2026-13-29T10:00:00Z" } }

  expect_failures = [var.restore]
}
