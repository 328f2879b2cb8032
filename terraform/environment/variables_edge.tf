variable "domain_name" {
  description = "Domain of the service, for which a certificate and records are made. Null: see certificate_arn."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "Give a domain in lower case, such as beers.example.com, or null."
  }

  validation {
    condition     = var.domain_name == null || var.certificate_arn == null
    error_message = "Give either domain_name, which gets a certificate of its own, or certificate_arn."
  }

  validation {
    condition     = var.is_temporary || var.domain_name != null || var.certificate_arn != null
    error_message = "Plain HTTP is for temporary environments. Give domain_name and dns_zone_name, or certificate_arn."
  }
}

variable "dns_zone_name" {
  description = "Hosted zone of Route 53 in which the domain's records are made."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || try(var.domain_name == var.dns_zone_name || endswith(var.domain_name, ".${var.dns_zone_name}"), false)
    error_message = "Name the hosted zone that the domain lies in: beers.example.com lies in example.com."
  }
}

variable "requests_per_five_minutes_limit" {
  description = "Requests that one address may send within five minutes before the web application firewall turns it away; null for no firewall."
  type        = number
  default     = 2000

  validation {
    condition     = var.requests_per_five_minutes_limit == null || try(var.requests_per_five_minutes_limit >= 10 && var.requests_per_five_minutes_limit <= 2000000000, false)
    error_message = "Choose at least 10, or null for no firewall."
  }
}
