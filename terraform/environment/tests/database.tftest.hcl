# What a database is unless somebody asks for less.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "taproom-prod"
  database_name     = "beers"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/mocked"
}

run "a_database_outlives_a_mistake" {
  command = plan

  module {
    source = "../modules/database"
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && !aws_db_instance.this.delete_automated_backups
    error_message = "It must be protected, and leave a snapshot and its backups behind."
  }

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.backup_retention_period == 14
    error_message = "It must have a standby and two weeks of backups."
  }

  assert {
    condition     = aws_db_instance.this.monitoring_interval == 60 && alltrue([for made in [data.aws_iam_policy_document.assumed_by_monitoring, aws_iam_role.monitoring, aws_iam_role_policy_attachment.monitoring] : length(made) == 1])
    error_message = "Its host must be measured."
  }
}

run "a_database_is_private_encrypted_and_keeps_its_master_password_to_itself" {
  command = plan

  module {
    source = "../modules/database"
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible
    error_message = "It must be encrypted and without a public address."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "Terraform must not know the master's password."
  }

  assert {
    condition = alltrue([
      for setting in ["rds.force_ssl=1", "password_encryption=scram-sha-256", "rds.accepted_password_auth_method=scram", "pgaudit.log=ddl,role"] :
      contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], setting)
    ])
    error_message = "TLS and SCRAM must be demanded, and changes logged."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_log_group.exported)) == aws_db_instance.this.enabled_cloudwatch_logs_exports
    error_message = "Every log that RDS exports must have its group."
  }

  assert {
    condition     = aws_db_instance.this.kms_key_id == var.kms_key_arn && aws_db_instance.this.master_user_secret_kms_key_id == var.kms_key_arn && aws_db_instance.this.performance_insights_kms_key_id == var.kms_key_arn
    error_message = "Everything must be encrypted with the environment's key."
  }
}

run "a_temporary_database_goes_with_its_data" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    is_temporary                = true
    certificate_authority       = null
    monitoring_interval_seconds = 0
  }

  assert {
    condition     = alltrue([for made in [data.aws_iam_policy_document.assumed_by_monitoring, aws_iam_role.monitoring, aws_iam_role_policy_attachment.monitoring] : length(made) == 0])
    error_message = "What is asked not to be made must not be there."
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "Nothing must stand in the way of a destroy."
  }
}

run "too_little_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    name                        = "t"
    subnet_ids                  = ["subnet-1"]
    security_group_id           = ""
    database_name               = ""
    instance_class              = "m7g.large"
    allocated_gigabytes         = 19
    backup_retention_days       = 0
    log_retention_days          = 2
    kms_key_arn                 = ""
    certificate_authority       = "rds-ca-2019"
    monitoring_interval_seconds = 2
    permissions_boundary_arn    = ""
    master_rotation             = { days = 0 }
  }

  expect_failures = [
    var.name,
    var.subnet_ids,
    var.security_group_id,
    var.database_name,
    var.instance_class,
    var.allocated_gigabytes,
    var.backup_retention_days,
    var.log_retention_days,
    var.kms_key_arn,
    var.certificate_authority,
    var.monitoring_interval_seconds,
    var.permissions_boundary_arn,
    var.master_rotation,
  ]
}

run "too_much_and_nothing_at_all_are_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    name                        = "taproom-under-a-name-that-is-too-long"
    security_group_id           = null
    database_name               = "beers_under_a_name_that_postgresql_would_cut_off_because_it_is_long"
    allocated_gigabytes         = 13001
    backup_retention_days       = 36
    log_retention_days          = 3654
    monitoring_interval_seconds = 61
    master_rotation             = { days = 1001 }
  }

  expect_failures = [
    var.name,
    var.security_group_id,
    var.database_name,
    var.allocated_gigabytes,
    var.backup_retention_days,
    var.log_retention_days,
    var.monitoring_interval_seconds,
    var.master_rotation,
  ]
}
