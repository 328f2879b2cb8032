data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  function_arn = "${local.function_arn_prefix}${local.function_name}"

  arns_in_network = [local.function_arn, local.planner_arn, local.rotation_arn]

  network_interface_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    sid     = "AssumedByLambda"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name                 = local.function_name
  description          = "What the function that manages database access may do in AWS"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_lambda.json
  permissions_boundary = var.permissions_boundary_arn
}

# What each function in the VPC may do beside its own work.
data "aws_iam_policy_document" "in_network" {
  # checkov:skip=CKV_AWS_111:Lambda asks for the network interface actions on every resource; the next statement denies them to the functions' code
  # Lambda joins the VPC with a function's role, before there is an interface to limit these actions to. The next statement
  # takes them from the functions' own code again.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
  statement {
    sid       = "JoinNetwork"
    actions   = local.network_interface_actions
    resources = ["*"]
  }

  statement {
    sid       = "OnlyLambdaJoinsNetwork"
    effect    = "Deny"
    actions   = local.network_interface_actions
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = local.arns_in_network
    }
  }

  # The environment's key, for the database's secrets and through Secrets Manager alone.
  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.name}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = concat([var.database.master_secret_arn], [for secret in aws_secretsmanager_secret.login : secret.arn])
    }
  }

  # Lambda decrypts the environment variables with the function's role.
  statement {
    sid       = "DecryptEnvironment"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
      values   = local.arns_in_network
    }
  }
}

# For those that put credentials into the logins' secrets.
data "aws_iam_policy_document" "encrypt_secrets" {
  statement {
    sid       = "EncryptSecrets"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.name}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = ["arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:secret:${var.name}/database/*"]
    }
  }
}

data "aws_iam_policy_document" "function" {
  source_policy_documents = [data.aws_iam_policy_document.in_network.json, data.aws_iam_policy_document.encrypt_secrets.json]

  statement {
    sid       = "ReadMasterSecret"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.database.master_secret_arn]
  }

  dynamic "statement" {
    for_each = length(local.rotated_logins) > 0 ? ["LoginSecrets"] : []

    content {
      sid = statement.value
      actions = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      resources = [for secret in aws_secretsmanager_secret.login : secret.arn]
    }
  }

  statement {
    sid       = "OwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "database-access"
  role   = aws_iam_role.function.name
  policy = data.aws_iam_policy_document.function.json
}
