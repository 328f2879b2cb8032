data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  region = data.aws_region.current.id
  place  = "${local.region}:${data.aws_caller_identity.current.account_id}"

  # Spelled out rather than read from the function, which is made only after the permissions that name it.
  arn = "arn:${data.aws_partition.current.partition}:lambda:${local.place}:function:${var.name}"
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    sid     = "AssumeRoleFromLambda"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "What the function ${var.name} may do in AWS"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_lambda.json
  permissions_boundary = var.context.permissions_boundary_arn
}

# What every function needs, in addition to its specific permissions.
data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.permissions]

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  # Lambda decrypts the environment variables with the function's role.
  statement {
    sid       = "DecryptEnvironment"
    actions   = ["kms:Decrypt"]
    resources = [var.context.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
      values   = [local.arn]
    }
  }

  # Lambda sends what failed with it as well, and the topic's messages are encrypted.
  # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
  statement {
    sid       = "PublishDeadLetters"
    actions   = ["sns:Publish"]
    resources = [var.dead_letter_topic_arn]
  }

  statement {
    sid       = "EncryptDeadLetters"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.context.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sns.${local.region}.amazonaws.com"]
    }
  }

  # Lambda joins the VPC with the function's role. The last statement takes that from the function's own code again.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
  # Interfaces have no name before they are made, so AWS asks for every resource of EC2 in this account and region.
  statement {
    sid     = "ManageNetworkInterfaces"
    actions = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
    resources = concat(
      ["arn:${data.aws_partition.current.partition}:ec2:${local.place}:*/*"],
      # A subnet that another account shares has that account in its ARN.
      [for owner in var.network.owner_id[*] : "arn:${data.aws_partition.current.partition}:ec2:${local.region}:${owner}:subnet/*" if owner != data.aws_caller_identity.current.account_id],
    )
  }

  statement {
    sid       = "DescribeNetwork"
    actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  statement {
    sid       = "DenyNetworkAccessFromCode"
    effect    = "Deny"
    actions   = ["ec2:*"]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.arn]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = var.name
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}
