variable "project_name" {
  description = "Prefix of every name in AWS, with the environment's name."
  type        = string
  default     = "taproom"
  nullable    = false

  validation {
    # RDS refuses two hyphens in a row, ELB a name that begins with "internal-", and EC2 a group whose name begins with "sg-".
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.project_name)) && length(var.project_name) >= 2 && length(var.project_name) <= 16 && !can(regex("^(internal|sg)(-|$)", var.project_name))
    error_message = "Use 2 to 16 lower-case letters and digits, with single hyphens between them. Begin with a letter, but not with the words internal or sg."
  }
}

variable "environment" {
  description = "Name of the environment, such as dev or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "Use 2 to 12 lower-case letters and digits, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region of the environment."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "is_temporary" {
  description = "Whether the environment can be destroyed with its data: no deletion protection or final snapshot, secrets deleted at once."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 90
  nullable    = false
}

# Network

variable "vpc_cidr" {
  description = "IPv4 range of the environment's VPC."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 22, false)
    error_message = "Choose a range between /16 and /22, such as 10.20.0.0/16: a subnet is a sixteenth of it, and a load balancer needs /27 or larger."
  }
}

variable "availability_zone_count" {
  description = "Number of availability zones that the environment spans."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = contains([2, 3], var.availability_zone_count)
    error_message = "Choose 2 or 3: a load balancer and a database subnet group need two zones."
  }
}

variable "excluded_zone_ids" {
  description = "IDs of availability zones not to use, by default those without Lambda, Fargate or some endpoints."
  type        = set(string)
  default     = ["apne1-az3", "use1-az3", "usw1-az2"]
  nullable    = false

  validation {
    condition     = alltrue([for id in var.excluded_zone_ids : can(regex("^[a-z0-9]+-az[0-9]+$", id))])
    error_message = "Use zone IDs, such as use1-az3, not zone names."
  }
}

variable "network_egress" {
  description = "Route of tasks and functions: `endpoints` (only to AWS), `nat_gateway`, `nat_gateway_per_zone`, or `public_addresses` (the cheapest)."
  type        = string
  default     = "endpoints"
  nullable    = false

  validation {
    condition     = contains(["endpoints", "nat_gateway", "nat_gateway_per_zone", "public_addresses"], var.network_egress)
    error_message = "Choose endpoints, nat_gateway, nat_gateway_per_zone or public_addresses."
  }
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges that can reach the service. `make deploy` proposes your address."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.client_cidr_blocks : can(cidrnetmask(range))])
    error_message = "Use IPv4 ranges, such as 203.0.113.7/32."
  }

  validation {
    condition     = !anytrue([for range in var.client_cidr_blocks : endswith(range, "/0")]) || var.domain_name != null || var.certificate_arn != null
    error_message = "Without a domain or certificate the service uses plain HTTP, and anyone on the way can read the write token. Set only your own addresses, such as 203.0.113.7/32."
  }
}

variable "psql_is_allowed" {
  description = "Whether `make psql` can open sessions as IAM logins. `endpoints` then needs one more."
  type        = bool
  default     = false
  nullable    = false
}

# Domain and firewall

variable "domain_name" {
  description = "Domain of the service, with certificate and DNS records; null: see certificate_arn."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "Use a domain in lower case, such as beers.example.com, or null."
  }

  validation {
    condition     = var.domain_name == null || var.certificate_arn == null
    error_message = "Set either domain_name, which gets its own certificate, or certificate_arn."
  }

  validation {
    condition     = var.is_temporary || var.domain_name != null || var.certificate_arn != null
    error_message = "Plain HTTP is for temporary environments. Set domain_name and dns_zone_name, or certificate_arn."
  }
}

variable "dns_zone_name" {
  description = "Route 53 hosted zone of the domain."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || try(var.domain_name == var.dns_zone_name || endswith(var.domain_name, ".${var.dns_zone_name}"), false)
    error_message = "Set the hosted zone that contains the domain: example.com contains beers.example.com."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of a domain whose DNS is managed elsewhere. Without either, only a temporary environment can serve, over plain HTTP."
  type        = string
  default     = null
}

variable "requests_per_five_minutes_limit" {
  description = "Requests that the firewall allows from one address in five minutes; null for no firewall."
  type        = number
  default     = 2000
}

# Database

variable "database_instance_class" {
  description = "Instance class of the database, such as db.t4g.small."
  type        = string
  default     = "db.m7g.large"
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database_instance_class))
    error_message = "Use an RDS instance class, such as db.t4g.small."
  }
}

variable "database_max_connections" {
  description = "Connections of the database, with those reserved for administrators. Each can take 10 MB; a change needs a restart."
  type        = number
  default     = 700
  nullable    = false

  validation {
    condition     = var.database_max_connections >= local.service_sessions + local.reserved_sessions
    error_message = "During a deployment the service can open ${local.service_sessions} sessions, and ${local.reserved_sessions} more are for RDS, migrations, functions and people. Set database_max_connections to at least ${local.service_sessions + local.reserved_sessions}, with an instance class that has 10 MB of memory for each, or choose fewer or smaller tasks."
  }
}

variable "database_allocated_gigabytes" {
  description = "Initial storage of the database in gigabytes; it grows up to five times."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.database_allocated_gigabytes >= 20 && var.database_allocated_gigabytes <= 13000
    error_message = "Choose between 20 (the minimum of gp3) and 13000 gigabytes."
  }
}

variable "database_is_multi_az" {
  description = "Whether the database has a standby in a second availability zone."
  type        = bool
  default     = true
  nullable    = false
}

variable "database_backup_retention_days" {
  description = "Days of point-in-time recovery of the database."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.database_backup_retention_days >= 1
    error_message = "Choose between 1 and 35 days: with 0, nothing could be restored."
  }
}

variable "database_backup_copy_region" {
  description = "Region into which RDS copies the database's backups, the account's `backup_copy_region`; null for none. See docs/runbook.md#the-region-is-lost."
  type        = string
  default     = null

  # The provider refuses what is not a region.
  validation {
    condition     = var.database_backup_copy_region != var.region
    error_message = "Choose another region than the environment's, or null: copies there would be lost with the database."
  }
}

variable "database_certificate_authority" {
  description = "Certificate authority of the database; null for RDS's default. Clients trust all of RDS's."
  type        = string
  default     = "rds-ca-rsa2048-g1"

  validation {
    condition     = var.database_certificate_authority == null || can(regex("^rds-ca-(rsa2048|rsa4096|ecc384)-g[0-9]+$", var.database_certificate_authority))
    error_message = "Use the identifier of an RDS certificate authority, such as rds-ca-rsa2048-g1, or null."
  }
}

variable "database_monitoring_interval_seconds" {
  description = "Interval of enhanced monitoring in seconds; 0 for none."
  type        = number
  default     = 60
  nullable    = false
}

variable "database_restore" {
  description = "Backup to start from, `{ snapshot = NAME }` or `{ source = INSTANCE, at = TIME }`. See docs/runbook.md#restore-the-database."
  type        = object({ snapshot = optional(string), source = optional(string), at = optional(string) })
  default     = null
}

variable "database_former_instances" {
  description = "Replaced instances to keep; without its name here, one is destroyed."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "master_rotation" {
  description = "Schedule of the master password's rotations; settings as in login_rotation."
  type        = object({ days = optional(number), schedule = optional(string), window_hours = optional(number), overdue_after_days = optional(number) })
  default     = { days = 7 }
  nullable    = false

  validation {
    condition     = (var.master_rotation.days == null) != (var.master_rotation.schedule == null)
    error_message = "Set either days, such as 7, or schedule, such as cron(0 3 ? * SUN *)."
  }

  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
  validation {
    condition     = var.master_rotation.schedule == null || can(regex("^(rate\\(([4-9]|[1-9][0-9]{1,2}) hours\\)|rate\\((1 day|([2-9]|[1-9][0-9]{1,2}) days)\\)|cron\\(0 [^ ]+ [^ ]+ [^ ]+ [^ ]+ \\*\\))$", var.master_rotation.schedule))
    error_message = "Secrets Manager accepts rate(4 hours) or slower, rate(10 days), or a cron expression on the hour in every year, such as cron(0 3 ? * SUN *)."
  }

  validation {
    condition     = var.master_rotation.window_hours == null || try(var.master_rotation.window_hours >= 1 && var.master_rotation.window_hours <= 24 && floor(var.master_rotation.window_hours) == var.master_rotation.window_hours, false)
    error_message = "Choose a window of 1 to 24 whole hours; it must end before the next rotation starts."
  }

  validation {
    condition     = var.master_rotation.overdue_after_days == null ? var.master_rotation.schedule == null : try(var.master_rotation.overdue_after_days > coalesce(var.master_rotation.days, 0) && floor(var.master_rotation.overdue_after_days) == var.master_rotation.overdue_after_days, false)
    error_message = "With schedule, set overdue_after_days; with days, omit it or choose more days than those. Whole days only."
  }
}

# Access to the database. The module database_access validates the document and the logins' rotation.

variable "database_auth" {
  description = "The service's login to the database: `secret` (a rotated password) or `iam`. Migrations use a secret either way."
  type        = string
  default     = "secret"
  nullable    = false

  validation {
    condition     = contains(["secret", "iam"], var.database_auth)
    error_message = "Choose secret or iam."
  }
}

variable "access" {
  description = "The access document; see docs/access.md."
  type        = any # the function validates it
  nullable    = false

  default = {
    database = "beers"
    schemas = {
      beers = { owner = "beers_owner" }
    }
    roles = {
      beers_owner  = {}
      beers_writer = { schemas = { beers = "write" } }
      beers_reader = { schemas = { beers = "read" } }
    }
    logins = {
      beers_app = {
        credential       = "rotated"
        member_of        = ["beers_writer"]
        connection_limit = 120
        settings         = { statement_timeout = "5s" }
      }
      beers_migrator = {
        credential = "rotated"
        acts_as    = "beers_owner"
      }
      beers_report = {
        credential = "iam"
        member_of  = ["beers_reader"]
      }
    }
  }

  validation {
    condition     = try(var.access.logins[local.migrator_login].credential == "rotated", false)
    error_message = "The login ${local.migrator_login} must stay, with credential = \"rotated\": the service's migrations log in as it."
  }

  validation {
    condition     = try(var.access.logins[local.service_login].credential == local.service_credential, false)
    error_message = "The login ${local.service_login} must stay, with credential = \"${local.service_credential}\": the service logs in as it, and database_auth is \"${var.database_auth}\"."
  }

  validation {
    condition     = try(var.access.logins[local.service_login].connection_limit < 0 || var.access.logins[local.service_login].connection_limit >= local.service_sessions, true) # -1 means no limit
    error_message = "During a deployment, ${var.service_task_count.maximum} tasks of ${local.service_workers} workers run twice and can open ${local.service_sessions} sessions. Give the login ${local.service_login} at least that connection_limit, or choose fewer or smaller tasks."
  }
}

variable "preview_access" {
  description = "Whether a plan shows the SQL of the apply; false if the database is unavailable."
  type        = bool
  default     = true
  nullable    = false
}

variable "login_rotation" {
  description = "Rotations of the logins: days or schedule (rate or cron, in UTC), window_hours in which one starts (by default the rest of the day), overdue_after_days (two days late)."
  type        = object({ days = optional(number), schedule = optional(string), window_hours = optional(number), overdue_after_days = optional(number) })
  default     = { days = 30 }
  nullable    = false
}

variable "drift_check_interval_hours" {
  description = "Hours between two drift checks."
  type        = number
  default     = 6
  nullable    = false
}

variable "database_bootstrap_package" {
  description = "Path of the functions' zip, which `make package` builds."
  type        = string
  default     = "../../build/db_bootstrap.zip"
  nullable    = false
}

# Service

variable "image" {
  description = "Image of the service in ECR, by digest or immutable tag."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9][a-z0-9/._-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "Use an image in ECR, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:... : the tasks cannot reach another registry."
  }

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|/[^:@]*:[A-Za-z0-9_][A-Za-z0-9_.-]*)$", var.image))
    error_message = "Use an image by digest (NAME@sha256:...) or by an immutable tag (NAME:v1.2.3)."
  }

  validation {
    condition     = !can(regex(":latest(@|$)", var.image))
    error_message = "The tag latest moves, so the configuration would not determine what runs. Use a digest."
  }
}

variable "commit" {
  description = "Commit of main that is applied, for the output of this name; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.commit == null || can(regex("^[0-9a-f]{40}$", var.commit))
    error_message = "Use the 40 hexadecimal digits of a commit."
  }
}

variable "cpu_architecture" {
  description = "CPU architecture of the image: ARM64 or X86_64."
  type        = string
  default     = "ARM64"
  nullable    = false
}

variable "service_cpu_units" {
  description = "CPU of a task, in 1/1024 vCPU."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.service_cpu_units)
    error_message = "Fargate offers 256, 512, 1024, 2048 and 4096 units."
  }
}

variable "service_memory_mebibytes" {
  description = "Memory of a task, in mebibytes."
  type        = number
  default     = 1024
  nullable    = false

  validation {
    condition     = var.service_memory_mebibytes >= 2 * var.service_cpu_units && var.service_memory_mebibytes <= min(8 * var.service_cpu_units, 30720) && (var.service_memory_mebibytes == 512 || var.service_memory_mebibytes % 1024 == 0)
    error_message = "Fargate offers two to eight mebibytes per CPU unit, in steps of 1024 (512 is possible too)."
  }
}

variable "service_task_count" {
  description = "Minimum and maximum number of tasks."
  type        = object({ minimum = number, maximum = number })
  default     = { minimum = 2, maximum = 6 }
  nullable    = false

  validation {
    condition     = var.service_task_count.minimum >= 1 && var.service_task_count.maximum <= 100 && var.service_task_count.minimum <= var.service_task_count.maximum
    error_message = "Choose between 1 and 100 tasks, with the minimum not above the maximum; 2 survive the loss of a zone."
  }
}

variable "service_requests_per_task_and_minute" {
  description = "Autoscaling's target of requests per task and minute; null derives it from the CPU (docs/benchmarks.md)."
  type        = number
  default     = null
}

variable "service_schedules" {
  description = "Scheduled changes of service_task_count, by name: schedule (at, rate or cron), time zone, limits. 0 and 0 stop the service."
  type = map(object({
    schedule  = string
    time_zone = optional(string, "UTC")
    minimum   = number
    maximum   = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for entry in var.service_schedules : can(regex("^(at|rate|cron)\\(.+\\)$", entry.schedule))])
    error_message = "Use a schedule such as at(2030-01-31T22:00:00), rate(1 day) or cron(0 20 ? * MON-FRI *)."
  }

  validation {
    condition     = alltrue([for entry in var.service_schedules : entry.minimum >= 0 && entry.minimum <= entry.maximum && entry.maximum <= 100])
    error_message = "The limits of a schedule must be between 0 and 100 tasks, with the minimum not above the maximum."
  }
}

variable "service_spot_percent" {
  description = "Percentage of tasks, beyond the first, on Fargate Spot: cheaper, but AWS can interrupt them."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.service_spot_percent == 0 || var.environment != "prod"
    error_message = "Tasks of prod do not run on Fargate Spot: AWS reclaims its capacity when demand is high."
  }
}

variable "service_exec_is_allowed" {
  description = "Whether people can open a shell in a task; its root file system is then writable."
  type        = bool
  default     = false
  nullable    = false
}

variable "writes_need_token" {
  description = "Whether writes need a bearer token."
  type        = bool
  default     = true
  nullable    = false
}

variable "seeding_is_allowed" {
  description = "Whether POST /beers/seed works; not for real data."
  type        = bool
  default     = false
  nullable    = false
}

# Alarms and costs

variable "is_monitored_minimally" {
  description = "Whether to omit the dashboard, Container Insights and all alarms except on errors, unhealthy tasks, access and rotation."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_emails" {
  description = "Addresses that receive alarms and budget notifications, once confirmed."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "Use addresses such as on-call@example.com."
  }
}

variable "alarm_topic_arns" {
  description = "Additional SNS topics for alarms."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.alarm_topic_arns) <= 4
    error_message = "An alarm and a rule notify at most five topics, and the environment's own is one of them."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly budget in US dollars (docs/costs.md); null for none."
  type        = number
  default     = null
}

variable "slo" {
  description = "Objectives, with alarms: percentage of requests that must not fail in 30 days, 99th percentile of response times in seconds; null for neither."
  type        = object({ availability = optional(number, 99.9), p99_seconds = optional(number, 1) })
  default     = {}

  # 14.4 times as many failures as allowed are the fast alarm's threshold.
  validation {
    condition     = alltrue([for slo in var.slo[*] : slo.availability >= 95 && slo.availability < 100])
    error_message = "Choose an availability of at least 95 and less than 100 percent, such as 99.9."
  }

  validation {
    condition     = alltrue([for slo in var.slo[*] : slo.p99_seconds > 0 && slo.p99_seconds <= 60])
    error_message = "Choose a p99_seconds of more than 0 and at most 60, the load balancer's idle timeout."
  }
}

variable "database_limits" {
  description = "Alarm thresholds by instance class: open connections, freeable memory in mebibytes."
  type        = object({ connections = optional(number, 600), freeable_mebibytes = optional(number, 512) })
  default     = {}
  nullable    = false
}
