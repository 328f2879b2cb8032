locals {
  service = { ClusterName = var.cluster_name, ServiceName = var.service_name }

  service_alarms = {
    for key, alarm in {
      service-cpu = {
        description = "The tasks are short of processor, although autoscaling has had time to add some."
        metric      = "CPUUtilization", threshold = 85
      }
      service-memory = {
        description = "The tasks are short of memory; at 100 percent they are ended."
        metric      = "MemoryUtilization", threshold = 85
      }
      # Container Insights counts both.
      tasks-missing = {
        description = "For a quarter of an hour fewer tasks ran than should."
        namespace   = "ECS/ContainerInsights"
        metrics     = { desired = "DesiredTaskCount", running = "RunningTaskCount" }
        expression  = "desired - running", threshold = 0
      }
    } : key => merge({ namespace = "AWS/ECS", dimensions = local.service, periods = 15 }, alarm)
  }
}
