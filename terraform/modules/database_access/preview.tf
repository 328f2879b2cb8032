# The SQL of an apply, queried while planning. The answer's digest goes into the invocation, which then does exactly
# that or nothing.
#
# Terraform puts the question off until the apply when the planning function itself is about to be made or changed. It must
# have no condition: with one, a change of anything that the function depends on, such as the network, would put
# it off too. So the invocation carries the condition.
data "aws_lambda_invocation" "plan" {
  count = var.preview_access ? 1 : 0

  function_name = module.planner.invocable_name
  input         = jsonencode({ action = "plan", document = var.access })
}

locals {
  plan = one([for answer in data.aws_lambda_invocation.plan[*].result : jsondecode(answer)])

  # The database remembers the digest that it was last held to, and the plan answers that one when there is nothing to do.
  # So an apply changes the next plan's digest only if something else changed.
  expected_digest = try(local.plan.digest, null)

  # When there is nothing to do, what was done last: an apply then leaves this text as the plan has shown it.
  last_report   = jsondecode(aws_lambda_invocation.apply.result)
  is_in_sync    = try(local.plan.in_sync, true)
  shown_changes = local.is_in_sync ? local.last_report.changes : local.plan.changes
  # A function that is not updated yet answers no sentences.
  sentences = local.is_in_sync ? tolist(try(local.last_report.summary, [])) : tolist(try(local.plan.summary, []))
  shown_lines = concat(
    # The same drift a second time has another digest; without this line, its plan would show nothing new.
    [local.expected_digest == null ? "-- no plan was reviewed" : "-- plan ${local.expected_digest}"],
    length(local.shown_changes) == 0 ? ["-- nothing to do"] : [],
    flatten([
      for change in local.shown_changes : [
        "-- ${change.database == var.database.name ? "" : "in database ${change.database}, "}because ${change.reason}${change.destructive ? ", TAKES ACCESS AWAY" : ""}",
        "${change.sql};",
      ]
    ]),
  )

  # Users who can create a role control part of the plan: characters that could move a terminal's cursor, end a comment or
  # turn the direction of writing are replaced. In a refusal, lines may end.
  invisible         = "/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/"
  invisible_in_line = "/[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\p{Cf}\\p{Zl}\\p{Zp}]/"
  shown_summary     = [for sentence in local.sentences : replace(sentence, local.invisible, "\uFFFD")]
  shown_plan        = join("\n", [for line in local.shown_lines : replace(line, local.invisible, "\uFFFD")])
  refusals          = [for refusal in try(local.plan.refusals, []) : replace(refusal, local.invisible_in_line, "\uFFFD")]
}
