variable "context" {
  description = "Shared settings: name prefix, KMS key, log retention in days, and whether the environment is temporary: no deletion protection, fast deregistration."
  type        = object({ name = string, kms_key_arn = string, log_retention_days = optional(number, 90), is_temporary = optional(bool, false) })
  nullable    = false
}

variable "vpc_id" {
  description = "VPC of the service."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets in at least two availability zones."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the load balancer."
  type        = string
}

variable "service_port" {
  description = "TCP port on which tasks listen."
  type        = number
}

variable "certificate_arn" {
  description = "ACM certificate of a domain whose DNS is managed elsewhere. Without either: plain HTTP, for trials."
  type        = string
  default     = null
}

variable "domain_name" {
  description = "Domain of the service, with certificate and DNS records."
  type        = string
  default     = null
}

variable "dns_zone_name" {
  description = "Route 53 hosted zone of the domain."
  type        = string
  default     = null
}

variable "requests_per_five_minutes_limit" {
  description = "Requests that the firewall allows from one address in five minutes; null for no firewall."
  type        = number
  default     = 2000
}

variable "access_log_bucket_name" {
  description = "Bucket for access logs, below the name prefix."
  type        = string
}
