# The examples that no rehearsal applies: an Aurora cluster, two databases on one server, and every input.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  package_file        = "tests/mocks/package.zip"
  database_identifier = "shop"
  subnet_ids          = ["subnet-1"]
  access              = { database = "Shop_1", logins = { shop_report = { credential = "iam" } } }
}

run "an_aurora_cluster_is_reached_at_its_writer_endpoint" {
  module { source = "../examples/aurora" }
}

run "two_databases_on_one_server_share_no_name" {
  module { source = "../examples/two-databases" }

  assert {
    condition     = length(toset(values(module.access)[*].function_name)) == 2
    error_message = "These functions collide: ${jsonencode(values(module.access)[*].function_name)}."
  }
}

run "given_resources_are_used" {
  module { source = "../examples/complete" }

  assert {
    condition     = module.access.security_group_id == "sg-0123456789abcdef0" && module.access.dead_letter_topic_arn == "arn:aws:sns:us-east-1:123456789012:shop-failures"
    error_message = "The module created others: ${module.access.security_group_id}, ${module.access.dead_letter_topic_arn}."
  }
}

run "what_is_not_given_is_created" {
  module { source = "../modules/database_access" }

  variables {
    database                = { address = "database.example", name = "Shop_1", resource_id = "db-MOCKED", master_iam_user = "access_master" }
    database_security_group = { id = "sg-database" }
  }

  assert {
    condition     = module.bootstrap.name == "db-shop-1-database-access" && aws_sns_topic.this[0].name == "db-shop-1-access"
    error_message = "The names are ${module.bootstrap.name} and ${aws_sns_topic.this[0].name}."
  }

  assert {
    condition     = [for one in jsondecode(aws_sns_topic_policy.this[0].policy).Statement : one.Condition.StringEquals["aws:SourceAccount"] if one.Principal == { Service = "cloudwatch.amazonaws.com" }] == ["123456789012"]
    error_message = "The alarms of another account could reach the topic."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.functions["database"].referenced_security_group_id == "sg-database" && aws_vpc_security_group_egress_rule.functions["database"].cidr_ipv4 == null
      && aws_vpc_security_group_ingress_rule.database[0].security_group_id == "sg-database" && aws_vpc_security_group_ingress_rule.database[0].from_port == 5432
      && output.security_group_id == aws_security_group.functions[0].id
    )
    error_message = "The functions must reach only the database by its port."
  }
}
