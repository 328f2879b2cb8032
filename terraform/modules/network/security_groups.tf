# Who there is. Who may talk to whom stands in flows.tf. All groups live here rather than in the modules that use
# them: a flow names two of them, and modules that named each other's would depend in a circle.

resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-load-balancer-"
  description = "Load balancer of the service"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-load-balancer" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "service" {
  name_prefix = "${var.name}-service-"
  description = "Tasks of the service"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-service" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  description = "Database"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-database" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "database_access" {
  name_prefix = "${var.name}-database-access-"
  description = "Function that manages the roles of the database"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-database-access" }

  lifecycle {
    create_before_destroy = true
  }

  # Lambda gives its network interfaces back some 20 minutes after a function has gone.
  timeouts {
    delete = "45m"
  }
}

resource "aws_security_group" "endpoints" {
  name_prefix = "${var.name}-endpoints-"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }

  lifecycle {
    create_before_destroy = true
  }
}
