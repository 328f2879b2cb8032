variable "network_egress" {
  description = "How tasks and functions reach AWS: `endpoints` (nothing else can be reached), `nat_gateway` (one for all zones, and the internet) or `nat_gateway_per_zone`."
  type        = string
  default     = "endpoints"

  validation {
    condition     = contains(["endpoints", "nat_gateway", "nat_gateway_per_zone"], var.network_egress)
    error_message = "Choose endpoints, nat_gateway or nat_gateway_per_zone."
  }
}

variable "client_cidr_blocks" {
  description = "IPv4 ranges from which the service may be reached. Without a domain or certificate it speaks plain HTTP: then name your own address."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.client_cidr_blocks) > 0 && alltrue([for block in var.client_cidr_blocks : can(cidrnetmask(block))])
    error_message = "Give at least one IPv4 range, such as 203.0.113.7/32, or 0.0.0.0/0 for everybody."
  }
}
