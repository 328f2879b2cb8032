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
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "A connection without TLS must be refused."
  }
}

run "a_temporary_database_goes_with_its_data" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    is_temporary = true
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "Nothing must stand in the way of a destroy."
  }
}
