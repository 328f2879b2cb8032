locals {
  milliseconds_of_second = 1000
  timeout_share          = 0.8

  function_alarms = merge(
    # Errors with a specific meaning, such as a rotation's, have their alarm in the module that causes them.
    { for key, function in var.functions : "${key}-errors" => {
      description    = "The function ${function.name} failed; its log says why."
      section        = "function-errors"
      namespace      = "AWS/Lambda"
      metric         = "Errors"
      dimensions     = { FunctionName = function.name }
      statistic      = "Sum"
      period_seconds = 300
      threshold      = 0
    } if !function.has_error_alarm },

    { for key, function in var.functions : "${key}-throttles" => {
      description    = "The function ${function.name} was not started, because the account's executions are used up."
      section        = "function-throttles"
      namespace      = "AWS/Lambda"
      metric         = "Throttles"
      dimensions     = { FunctionName = function.name }
      statistic      = "Sum"
      period_seconds = 300
      threshold      = 0
    } },

    { for key, function in var.functions : "${key}-duration" => {
      description    = "The function ${function.name} nearly ran into its timeout of ${function.timeout_seconds} s."
      section        = "function-duration"
      namespace      = "AWS/Lambda"
      metric         = "Duration"
      dimensions     = { FunctionName = function.name }
      statistic      = "Maximum"
      period_seconds = 300
      threshold      = function.timeout_seconds * local.milliseconds_of_second * local.timeout_share
    } },
  )
}
