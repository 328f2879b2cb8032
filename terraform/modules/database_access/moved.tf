# Where an environment that was applied before finds its functions again.

moved {
  from = aws_cloudwatch_log_group.function
  to   = module.bootstrap.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.function
  to   = module.bootstrap.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.function
  to   = module.bootstrap.aws_iam_role_policy.this
}

moved {
  from = aws_lambda_function.this
  to   = module.bootstrap.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.planner
  to   = module.planner.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.planner
  to   = module.planner.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.planner
  to   = module.planner.aws_iam_role_policy.this
}

moved {
  from = aws_lambda_function.planner
  to   = module.planner.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.rotation
  to   = module.rotation.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.rotation
  to   = module.rotation.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.rotation
  to   = module.rotation.aws_iam_role_policy.this
}

moved {
  from = aws_lambda_function.rotation
  to   = module.rotation.aws_lambda_function.this
}

moved {
  from = aws_cloudwatch_log_group.rotation_watch
  to   = module.rotation_watch.aws_cloudwatch_log_group.this
}

moved {
  from = aws_iam_role.rotation_watch
  to   = module.rotation_watch.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.rotation_watch
  to   = module.rotation_watch.aws_iam_role_policy.this
}

moved {
  from = aws_lambda_function.rotation_watch
  to   = module.rotation_watch.aws_lambda_function.this
}
