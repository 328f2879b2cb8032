# Where an environment that was applied before finds its function again.

moved {
  from = aws_cloudwatch_log_group.redeploy[0]
  to   = module.redeploy[0].aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.redeploy[0]
  to   = module.redeploy[0].aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.redeploy[0]
  to   = module.redeploy[0].aws_iam_role_policy.this
}

moved {
  from = aws_lambda_function.redeploy[0]
  to   = module.redeploy[0].aws_lambda_function.this
}
