data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id
  place      = "${local.region}:${local.account_id}"
  prefix     = "arn:${data.aws_partition.current.partition}"

  # Spelled out rather than read from the function, which is made only after the permissions that name it.
  arn = "${local.prefix}:lambda:${local.place}:function:${var.name}"

  # What every function needs, in addition to its specific permissions.
  statements = [
    { Sid = "WriteLogs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${aws_cloudwatch_log_group.this.arn}:*" },

    # Lambda decrypts the environment variables with the function's role.
    {
      Sid       = "DecryptEnvironment", Effect = "Allow", Action = "kms:Decrypt", Resource = var.context.kms_key_arn
      Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.arn } }
    },

    # Lambda sends what failed with it as well, and the topic's messages are encrypted.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
    { Sid = "PublishDeadLetters", Effect = "Allow", Action = "sns:Publish", Resource = var.dead_letter_topic_arn },
    {
      Sid       = "EncryptDeadLetters", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = var.context.kms_key_arn
      Condition = { StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = var.dead_letter_topic_arn } }
    },

    # Lambda joins the VPC with the function's role. The last statement takes that from the function's own code again.
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    # Interfaces have no name before they are made, so AWS asks for every resource of EC2 in this account and region.
    {
      Sid    = "ManageNetworkInterfaces", Effect = "Allow"
      Action = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
      # A subnet that another account shares has that account in its ARN.
      Resource = concat(
        ["${local.prefix}:ec2:${local.place}:*/*"],
        [for owner in var.network.owner_id[*] : "${local.prefix}:ec2:${local.region}:${owner}:subnet/*" if owner != local.account_id],
      )
    },
    { Sid = "DescribeNetwork", Effect = "Allow", Action = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], Resource = "*" },
    {
      Sid       = "DenyNetworkAccessFromCode", Effect = "Deny", Action = "ec2:*", Resource = "*"
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.arn } }
    },
  ]
  trust = { Sid = "AssumeRoleFromLambda", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Permissions of the function ${var.name}"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [local.trust] })
  permissions_boundary = var.context.permissions_boundary_arn
}

resource "aws_iam_role_policy" "this" {
  name   = var.name
  role   = aws_iam_role.this.name
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(jsondecode(var.permissions).Statement, local.statements) })
}
