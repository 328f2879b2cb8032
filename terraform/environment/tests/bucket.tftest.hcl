# For how long a bucket keeps what is in it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "taproom-terraform-state-123456789012"
}

run "an_earlier_version_is_kept_for_a_year_and_the_present_one_for_ever" {
  command = plan

  module {
    source = "../modules/bucket"
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.this[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 365 &&
      length(aws_s3_bucket_lifecycle_configuration.this[0].rule[0].expiration) == 0
    )
    error_message = "Only old versions may go, and not before a year."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "It must keep versions and be private."
  }
}

run "a_bucket_that_logs_into_itself_is_refused" {
  command = plan

  module {
    source = "../modules/bucket"
  }

  variables {
    access_log_bucket_name = "taproom-terraform-state-123456789012"
  }

  expect_failures = [var.access_log_bucket_name]
}
