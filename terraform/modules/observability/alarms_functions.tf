locals {
  # By function, metric and, for the runbook, section.
  function_alarms = merge([
    for key, function in var.functions : {
      for name, alarm in {
        # Errors with a specific meaning, such as a rotation's, have their alarm in the module that causes them.
        errors = {
          description = "The function ${function.name} failed; its log says why."
          metric      = "Errors", statistic = "Sum", threshold = 0
        }
        throttles = {
          description = "The function ${function.name} was not started, because the account's executions are used up."
          metric      = "Throttles", statistic = "Sum", threshold = 0
        }
        duration = {
          description = "The function ${function.name} nearly ran into its timeout of ${function.timeout_seconds} s."
          metric      = "Duration", statistic = "Maximum"
          threshold   = function.timeout_seconds * 1000 * 0.8 # in milliseconds
        }
        } : "${key}-${name}" => merge(alarm, {
          section        = "function-${name}"
          namespace      = "AWS/Lambda"
          dimensions     = { FunctionName = function.name }
          period_seconds = 300
      }) if name != "errors" || !function.has_error_alarm
    }
  ]...)
}
