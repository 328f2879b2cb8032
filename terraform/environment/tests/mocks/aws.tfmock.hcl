# What a plan needs AWS to answer. All else is made up by Terraform.

mock_data "aws_availability_zones" { defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] } }
mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
mock_data "aws_iam_policy_document" { defaults = { json = "{\"Version\": \"2012-10-17\", \"Statement\": []}" } }
mock_data "aws_partition" { defaults = { partition = "aws" } }
mock_data "aws_region" { defaults = { id = "us-east-1" } }
mock_data "aws_lambda_invocation" { defaults = { result = "{\"database\": \"beers\", \"in_sync\": true, \"digest\": null, \"changes\": [], \"refusals\": [], \"unmanaged\": []}" } }

mock_data "aws_subnet" { defaults = { vpc_id = "vpc-1", owner_id = "210987654321" } }
mock_data "aws_db_instance" { defaults = { port = 5432, vpc_security_groups = ["sg-1"], master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-master" }] } }
mock_data "aws_rds_cluster" { defaults = { port = 5432, master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-master" }] } }

mock_resource "aws_db_instance" {
  defaults = {
    arn                = "arn:aws:rds:us-east-1:123456789012:db:mocked"
    address            = "database.example"
    port               = 5432
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-master" }]
  }
}

mock_resource "aws_ecs_cluster" { defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/taproom-dev" } }
mock_resource "aws_ecs_task_definition" { defaults = { arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/taproom-dev:1" } }
mock_data "aws_ecs_service" { defaults = { task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/taproom-dev:1" } }
mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/taproom-dev-mocked" } }
mock_resource "aws_lambda_function" { defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:taproom-dev-mocked" } }
mock_resource "aws_lambda_invocation" { defaults = { result = "{\"database\": \"beers\", \"changes\": [], \"credentials\": [], \"in_sync\": true}" } }

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/taproom-dev/1"
    dns_name   = "taproom-dev.example"
    arn_suffix = "app/taproom-dev/1"
  }
}

mock_resource "aws_lb_listener" { defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/mocked/0123456789abcdef/0123456789abcdef" } }

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/taproom-dev/1", arn_suffix = "targetgroup/taproom-dev/1" }
}

mock_resource "aws_secretsmanager_secret" { defaults = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:taproom-dev/database/login" } }
mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000" } }

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/mocked"
    domain_validation_options = [{
      domain_name           = "beers.example.com"
      resource_record_name  = "_mocked.beers.example.com."
      resource_record_type  = "CNAME"
      resource_record_value = "_mocked.acm-validations.aws."
    }]
  }
}

mock_resource "aws_acm_certificate_validation" { defaults = { certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/mocked" } }
mock_resource "aws_cloudwatch_log_group" { defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:mocked" } }
mock_resource "aws_wafv2_web_acl" { defaults = { arn = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/taproom/mocked" } }
mock_resource "aws_scheduler_schedule_group" { defaults = { arn = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/taproom-dev-access" } }
mock_resource "aws_sns_topic" { defaults = { arn = "arn:aws:sns:us-east-1:123456789012:taproom-dev-alarms" } }
mock_resource "aws_cloudwatch_metric_alarm" { defaults = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:taproom-dev-mocked" } }
