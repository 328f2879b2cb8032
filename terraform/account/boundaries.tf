# Boundaries grant nothing. They limit what a role can do with any attached policies.

# For the pipeline's own roles: everything but changing who may do what in this account, and in one region alone, but for
# copies of backups. Services that have no region answer from us-east-1.
locals {
  pipeline_boundary = [
    {
      Sid       = "AllExceptIdentityManagement"
      NotAction = ["account:*", "organizations:*", "iam:*AccessKey*", "iam:*Group*", "iam:*LoginProfile*", "iam:*MFADevice*", "iam:*User*"]
      Resource  = ["*"]
      Condition = { StringEquals = { "aws:RequestedRegion" = compact([var.region, "us-east-1", var.backup_copy_region]) } }
    },
    {
      Sid    = "DenyPipelineChanges"
      Effect = "Deny"
      Action = ["iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Remove*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*"]
      Resource = [
        for name in ["role/${var.project_name}-build", "role/${var.project_name}-deploy-*", "role/${var.project_name}-drift", "role/${var.project_name}-plan", "role/${var.project_name}-release-plan", "policy/${var.project_name}-*", "oidc-provider/*"] :
        "arn:${local.partition}:iam::${local.account_id}:${name}"
      ]
    },
    {
      Sid      = "DenyStateBucketChanges"
      Effect   = "Deny"
      Action   = ["s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
      Resource = [module.state_bucket.arn, "${module.state_bucket.arn}/*"]
    },
  ]
}

resource "aws_iam_policy" "pipeline_boundary" {
  name        = "${var.project_name}-pipeline-boundary"
  description = "What no role of the pipeline can ever do"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [for one in local.pipeline_boundary : merge({ Effect = "Allow" }, one)] })
}

# For the roles that a deployment makes: what tasks and functions of that environment could ever need. A deployment can make
# no role without it, so it cannot escalate its privileges by a role that it passes to a function.
locals {
  workload_boundary = { for name, own in local.own : name => concat(local.deny_other_environments[name], [
    { Sid = "UseOwnSecrets", Action = ["secretsmanager:*"], Resource = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/*"] },
    {
      Sid       = "UseOwnMasterSecret"
      Action    = ["secretsmanager:*"]
      Resource  = [local.master_secrets]
      Condition = { StringLike = { "aws:ResourceTag/aws:rds:primaryDBInstanceArn" = local.own_instances[name] } }
    },
    # Its users are limited further by the key's policy and by their own. Not by kms:ViaService: Lambda decrypts a function's
    # variables, and Scheduler a schedule's input, with the role's own credentials.
    {
      Sid       = "UseOwnKey"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = ["arn:${local.partition}:kms:${local.place}:key/*"]
      Condition = { StringEquals = { "aws:ResourceTag/Environment" = name } }
    },
    {
      Sid    = "WriteOwnLogs"
      Action = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = concat(
        [for group in local.own_log_groups[name] : "${group}:*"],
        ["arn:${local.partition}:logs:${local.place}:log-group:RDS*"], # of all enhanced monitoring
      )
    },
    {
      Sid      = "WriteEnhancedMonitoringLogs"
      Action   = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
      Resource = ["arn:${local.partition}:logs:${local.place}:log-group:RDS*"]
    },
    {
      Sid      = "PullImages"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [local.registry_arn]
    },
    # Lambda joins a VPC with the function's role; calls of the function's code have its ARN. The interfaces carry no tag, but
    # their subnets and groups do.
    {
      Sid = "ManageNetworkInterfaces"
      Action = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
      ]
      Resource  = ["*"]
      Condition = { Null = { "lambda:SourceFunctionArn" = "true" }, StringEquals = { "aws:RequestedRegion" = var.region } }
    },
    {
      Sid       = "UnscopedActions"
      Action    = ["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "secretsmanager:GetRandomPassword", "ssmmessages:*"]
      Resource  = ["*"]
      Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
    },
    {
      Sid    = "InvokeAndPublishOwn"
      Action = ["lambda:InvokeFunction", "sns:Publish"]
      Resource = [
        "arn:${local.partition}:lambda:${local.place}:function:${var.project_name}-${name}-*",
        "arn:${local.partition}:sns:${local.place}:${var.project_name}-${name}-*",
      ]
    },
    ], [for id in [local.own_database_ids[name]] : {
      Sid = "ConnectToOwnDatabase", Action = ["rds-db:connect"], Resource = ["arn:${local.partition}:rds-db:${local.place}:dbuser:${id}/*"]
  } if id != null]) }
}

resource "aws_iam_policy" "workload_boundary" {
  for_each = var.deploy_environments

  # An environment finds it by this name.
  name        = "${var.project_name}-${each.key}-boundary"
  description = "What no role of the environment ${each.key} can ever do more than"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [for one in local.workload_boundary[each.key] : merge({ Effect = "Allow" }, one)] })
}
