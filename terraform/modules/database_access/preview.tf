# What an apply would run, asked while planning. The answer's digest goes into the invocation, which then does exactly
# that or nothing.
#
# Terraform puts the question off until the apply when the planning function itself is about to be made or changed. It must
# have no condition of its own: with one, a change of anything that the function depends on, such as the network, would put
# it off too. So the invocation carries the condition.
data "aws_lambda_invocation" "plan" {
  count = var.preview_access ? 1 : 0

  function_name = aws_lambda_function.planner.function_name
  input         = jsonencode({ action = "plan", document = var.access })
}

locals {
  plan = one([for answer in data.aws_lambda_invocation.plan[*].result : jsondecode(answer)])

  # The database remembers the digest that it was last held to, and the plan answers that one when there is nothing to do.
  # So an apply changes the next plan's digest only if something else changed.
  expected_digest = try(local.plan.digest, null)
  refusals        = try(local.plan.refusals, [])

  # When there is nothing to do, what was done last: an apply then leaves this output as the plan has shown it.
  last_changes  = jsondecode(aws_lambda_invocation.apply.result).changes
  shown_changes = try(local.plan.in_sync, true) ? local.last_changes : local.plan.changes
}
