# What an apply of one environment does. Where AWS lets a permission name its resource, it is the environment's own, so that
# a deployment of dev cannot touch prod; networks have ids and no names, and are limited to the region.

locals {
  place = "${var.region}:${local.account_id}"
}

data "aws_iam_policy_document" "deploy" {
  for_each = var.deploy_environments

  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }

  statement {
    sid       = "ReadAndWriteOwnState"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/${var.project_name}/${each.key}.tfstate*"]
  }

  statement {
    sid       = "ReleaseOwnLock"
    actions   = ["s3:DeleteObject"]
    resources = ["${aws_s3_bucket.state.arn}/${var.project_name}/${each.key}.tfstate.tflock"]
  }

  statement {
    sid       = "RegistryLogin"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.service.arn]
  }

  statement {
    sid = "Look"
    actions = [
      "cloudwatch:DescribeAlarms",
      "ec2:Describe*",
      "ecs:DescribeTaskDefinition",
      "elasticloadbalancing:Describe*",
      "logs:DescribeLogGroups",
      "rds:Describe*",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Network"
    actions = [
      "ec2:AssociateRouteTable",
      "ec2:AttachInternetGateway",
      "ec2:AuthorizeSecurityGroup*",
      "ec2:CreateInternetGateway",
      "ec2:CreateRoute",
      "ec2:CreateRouteTable",
      "ec2:CreateSecurityGroup",
      "ec2:CreateSubnet",
      "ec2:CreateTags",
      "ec2:CreateVpc",
      "ec2:CreateVpcEndpoint",
      "ec2:DeleteInternetGateway",
      "ec2:DeleteNetworkInterface",
      "ec2:DeleteRoute",
      "ec2:DeleteRouteTable",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet",
      "ec2:DeleteTags",
      "ec2:DeleteVpc",
      "ec2:DeleteVpcEndpoints",
      "ec2:DetachInternetGateway",
      "ec2:DetachNetworkInterface",
      "ec2:DisassociateRouteTable",
      "ec2:ModifySecurityGroupRules",
      "ec2:ModifySubnetAttribute",
      "ec2:ModifyVpcAttribute",
      "ec2:ModifyVpcEndpoint",
      "ec2:ReplaceRoute",
      "ec2:RevokeSecurityGroup*",
      "ec2:UpdateSecurityGroupRuleDescriptions*",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid     = "OwnResources"
    actions = ["cloudwatch:*", "ecs:*", "elasticloadbalancing:*", "events:*", "lambda:*", "logs:*", "rds:*", "scheduler:*"]
    resources = [
      "arn:${local.partition}:cloudwatch:${local.place}:alarm:${var.project_name}-${each.key}-*",
      "arn:${local.partition}:ecs:${local.place}:cluster/${var.project_name}-${each.key}",
      "arn:${local.partition}:ecs:${local.place}:service/${var.project_name}-${each.key}/*",
      "arn:${local.partition}:ecs:${local.place}:task-definition/${var.project_name}-${each.key}:*",
      "arn:${local.partition}:elasticloadbalancing:${local.place}:listener/app/${var.project_name}-${each.key}/*",
      "arn:${local.partition}:elasticloadbalancing:${local.place}:loadbalancer/app/${var.project_name}-${each.key}/*",
      "arn:${local.partition}:elasticloadbalancing:${local.place}:targetgroup/${var.project_name}-${each.key}/*",
      "arn:${local.partition}:events:${local.place}:rule/${var.project_name}-${each.key}-*",
      "arn:${local.partition}:lambda:${local.place}:function:${var.project_name}-${each.key}-*",
      "arn:${local.partition}:logs:${local.place}:log-group:/aws/lambda/${var.project_name}-${each.key}-*",
      "arn:${local.partition}:logs:${local.place}:log-group:/aws/rds/instance/${var.project_name}-${each.key}/*",
      "arn:${local.partition}:logs:${local.place}:log-group:/ecs/${var.project_name}-${each.key}*",
      "arn:${local.partition}:rds:${local.place}:db:${var.project_name}-${each.key}",
      "arn:${local.partition}:rds:${local.place}:og:default*",
      "arn:${local.partition}:rds:${local.place}:pg:${var.project_name}-${each.key}-*",
      "arn:${local.partition}:rds:${local.place}:snapshot:${var.project_name}-${each.key}-*",
      "arn:${local.partition}:rds:${local.place}:subgrp:${var.project_name}-${each.key}",
      "arn:${local.partition}:scheduler:${local.place}:schedule-group/${var.project_name}-${each.key}-*",
      "arn:${local.partition}:scheduler:${local.place}:schedule/${var.project_name}-${each.key}-*/*",
    ]
  }

  # Names of secrets, and never what is in them: the function fills them.
  statement {
    sid = "OwnSecrets"
    actions = [
      "secretsmanager:CancelRotateSecret",
      "secretsmanager:CreateSecret",
      "secretsmanager:DeleteSecret",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy",
      "secretsmanager:RotateSecret",
      "secretsmanager:TagResource",
      "secretsmanager:UntagResource",
      "secretsmanager:UpdateSecret",
    ]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${var.project_name}-${each.key}/*"]
  }

  # RDS makes the master's secret on behalf of whoever makes the database.
  statement {
    sid       = "MasterSecret"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:rds!db-*"]
  }

  # The name of a master's secret does not say whose it is; the tag that RDS gives it does.
  statement {
    sid = "OwnMasterRotation"
    actions = [
      "secretsmanager:CancelRotateSecret",
      "secretsmanager:DescribeSecret",
      "secretsmanager:RotateSecret",
    ]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:rds!db-*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/aws:rds:primaryDBInstanceArn"
      values   = ["arn:${local.partition}:rds:${local.place}:db:${var.project_name}-${each.key}"]
    }
  }

  statement {
    sid = "OwnRoles"
    actions = [
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/${var.project_name}-${each.key}-*"]
  }

  statement {
    sid       = "LendOwnRoles"
    actions   = ["iam:PassRole"]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/${var.project_name}-${each.key}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "scheduler.amazonaws.com"]
    }
  }

  # A new account has none of these yet; AWS makes them with the first cluster, load balancer and database.
  statement {
    sid       = "ServiceLinkedRoles"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["ecs.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com"]
    }
  }
}
