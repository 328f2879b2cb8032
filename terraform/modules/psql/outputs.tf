# A person's access is given where people are managed. The roles that RunTask could put in are the two of the task, and tasks of
# the service have another tag.
output "policies" {
  description = "IAM policy for each login's users, as JSON, by login."
  value = { for login in var.logins : login => jsonencode({
    Version = "2012-10-17"
    Statement = [for sid, statement in {
      ReadTaskDefinition = [["ecs:DescribeTaskDefinition"], ["*"], {}] # the action supports no resource
      StartTask          = [["ecs:RunTask"], ["${local.ecs}:task-definition/${local.name}:*"], { ArnEquals = { "ecs:cluster" = "${local.ecs}:cluster/${var.context.name}" } }]
      TagTask            = [["ecs:TagResource"], [local.tasks], { StringEquals = { "ecs:CreateAction" = "RunTask" } }]
      PassTaskRoles      = [["iam:PassRole"], sort([for role in aws_iam_role.this : role.arn]), { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }]
      FollowAndStopTask  = [["ecs:DescribeTasks", "ecs:StopTask"], [local.tasks], { StringEquals = { "aws:ResourceTag/Purpose" = local.name } }]
      ForwardPort        = [["ssm:StartSession"], [local.tasks, "arn:${local.partition}:ssm:${local.region}::document/AWS-StartPortForwardingSessionToRemoteHost"], {}]
      OpenDataChannel    = [["ssmmessages:OpenDataChannel"], ["arn:${local.partition}:ssm:*:*:session/$${aws:userid}-*"], {}]
      EndOwnSession      = [["ssm:ResumeSession", "ssm:TerminateSession"], ["arn:${local.partition}:ssm:*:*:session/*"], { StringEquals = { "ssm:resourceTag/aws:ssmmessages:session-id" = "$${aws:userid}" } }]
      LogIn              = [["rds-db:connect"], ["arn:${local.partition}:rds-db:${local.region}:${local.account_id}:dbuser:${var.database.resource_id}/${login}"], {}]
    } : { Sid = sid, Effect = "Allow", Action = statement[0], Resource = statement[1], Condition = statement[2] }]
  }) }
}
