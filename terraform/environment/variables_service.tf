variable "image" {
  description = "Image of the service in ECR: by digest, or by a tag that never moves."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9][a-z0-9/._-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "Name an image in ECR, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:... : the tasks have no route to another registry."
  }

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|/[^:@]*:[A-Za-z0-9_][A-Za-z0-9_.-]*)$", var.image))
    error_message = "Name the image by digest (NAME@sha256:...) or by a tag that never moves (NAME:v1.2.3)."
  }

  validation {
    condition     = !can(regex(":latest(@|$)", var.image))
    error_message = "The tag latest moves: what runs could not be told from the configuration. Name a digest."
  }
}

variable "cpu_architecture" {
  description = "Processor architecture for which the image was built."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "Choose ARM64 or X86_64."
  }
}

variable "service_cpu_units" {
  description = "Processor of one task, in units of 1/1024 of a core."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.service_cpu_units)
    error_message = "Fargate offers 256, 512, 1024, 2048 and 4096 units."
  }
}

variable "service_memory_mebibytes" {
  description = "Memory of one task, in mebibytes."
  type        = number
  default     = 1024

  validation {
    condition     = var.service_memory_mebibytes >= 2 * var.service_cpu_units && var.service_memory_mebibytes <= min(8 * var.service_cpu_units, 30720) && (var.service_memory_mebibytes == 512 || var.service_memory_mebibytes % 1024 == 0)
    error_message = "Fargate gives a task from two to eight times as many mebibytes as processor units, in steps of 1024 (512 is possible too)."
  }
}

variable "service_task_count" {
  description = "Tasks that serve requests: how many there are at least and at most."
  type = object({
    minimum = number
    maximum = number
  })
  default = { minimum = 2, maximum = 6 }

  validation {
    condition     = var.service_task_count.minimum >= 1 && var.service_task_count.maximum <= 100 && var.service_task_count.minimum <= var.service_task_count.maximum
    error_message = "Choose between 1 and 100 tasks, the minimum not above the maximum; 2 survive the loss of a zone."
  }
}

variable "service_requests_per_task_and_minute" {
  description = "Requests in a minute that one task is to serve; with more, tasks are added."
  type        = number
  default     = 1500

  validation {
    condition     = var.service_requests_per_task_and_minute >= 1
    error_message = "Give at least one request."
  }
}

variable "service_schedules" {
  description = "Other limits from a time on, by name: a schedule (at, rate or cron) with its time zone, and how many tasks there are from then on at least and at most. 0 and 0 stop the service."
  type = map(object({
    schedule  = string
    time_zone = optional(string, "UTC")
    minimum   = number
    maximum   = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for entry in var.service_schedules : entry.minimum >= 0 && entry.minimum <= entry.maximum && entry.maximum <= 100])
    error_message = "A schedule's limits lie between 0 and 100 tasks, the minimum not above the maximum."
  }
}

variable "service_spot_percent" {
  description = "Percent of the tasks, beyond the first, that run on spare capacity: cheaper, and ended whenever AWS wants it back."
  type        = number
  default     = 0

  validation {
    condition     = var.service_spot_percent >= 0 && var.service_spot_percent <= 100 && floor(var.service_spot_percent) == var.service_spot_percent
    error_message = "Choose between 0 and 100 whole percent."
  }

  validation {
    condition     = var.service_spot_percent == 0 || var.environment != "prod"
    error_message = "Tasks of prod have capacity of their own: AWS takes spare capacity back when everybody wants it."
  }
}

variable "service_exec_is_allowed" {
  description = "Whether people may open a shell in a task (aws ecs execute-command). The root file system is then writable, because the agent that opens it writes there."
  type        = bool
  default     = false
  nullable    = false
}
