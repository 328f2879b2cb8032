# What a plan needs AWS to answer. All else is made up by Terraform.

mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
mock_data "aws_iam_policy_document" { defaults = { json = "{\"Version\": \"2012-10-17\", \"Statement\": []}" } }
mock_data "aws_partition" { defaults = { partition = "aws" } }
mock_resource "aws_iam_openid_connect_provider" { defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" } }
mock_resource "aws_iam_policy" { defaults = { arn = "arn:aws:iam::123456789012:policy/taproom-mocked" } }
mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/taproom-mocked" } }
mock_resource "aws_s3_bucket" { defaults = { arn = "arn:aws:s3:::taproom-mocked" } }
mock_resource "aws_ecr_repository" { defaults = { arn = "arn:aws:ecr:us-east-1:123456789012:repository/taproom" } }
