"""A part of a Terraform state as a CloudFormation template, which cfn-lint can check."""

import json
from collections.abc import Mapping
from typing import Any

import jmespath

_HEALTH_CHECK = "health_check[0]"
_NETWORK = "network_configuration[0]"
# By Terraform's type: CloudFormation's, and its properties as JMESPath expressions on the attributes.
_RESOURCES = {
    "aws_db_instance": (
        "AWS::RDS::DBInstance",
        """{DBInstanceIdentifier: identifier, DBInstanceClass: instance_class, Engine: engine,
        EngineVersion: engine_version,
        AllocatedStorage: to_string(allocated_storage), MaxAllocatedStorage: max_allocated_storage, DBName: db_name,
        StorageType: storage_type, StorageEncrypted: storage_encrypted, KmsKeyId: kms_key_id, MultiAZ: multi_az,
        MasterUsername: username, ManageMasterUserPassword: manage_master_user_password, Port: to_string(port),
        BackupRetentionPeriod: backup_retention_period, PreferredBackupWindow: backup_window,
        PreferredMaintenanceWindow: maintenance_window, MonitoringInterval: monitoring_interval,
        MonitoringRoleArn: monitoring_role_arn, EnableCloudwatchLogsExports: enabled_cloudwatch_logs_exports,
        EnableIAMDatabaseAuthentication: iam_database_authentication_enabled, DeletionProtection: deletion_protection,
        EnablePerformanceInsights: performance_insights_enabled, CACertificateIdentifier: ca_cert_identifier}""",
    ),
    "aws_db_parameter_group": (
        "AWS::RDS::DBParameterGroup",
        "{Family: family, Description: description, Parameters: parameters}",
    ),
    "aws_lb_target_group": (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        f"""{{Name: name, Port: port, Protocol: protocol, TargetType: target_type, VpcId: vpc_id,
        HealthCheckPath: {_HEALTH_CHECK}.path, HealthCheckIntervalSeconds: {_HEALTH_CHECK}.interval,
        HealthCheckTimeoutSeconds: {_HEALTH_CHECK}.timeout, HealthyThresholdCount: {_HEALTH_CHECK}.healthy_threshold,
        UnhealthyThresholdCount: {_HEALTH_CHECK}.unhealthy_threshold,
        Matcher: {{HttpCode: {_HEALTH_CHECK}.matcher}}}}""",
    ),
    "aws_lambda_function": (
        "AWS::Lambda::Function",
        """{FunctionName: function_name, Role: role, Handler: handler, Runtime: runtime, Architectures: architectures,
        MemorySize: memory_size, Timeout: timeout, KmsKeyArn: kms_key_arn, Code: {S3Bucket: 'code', S3Key: 'zip'},
        Environment: {Variables: environment[0].variables}, TracingConfig: {Mode: tracing_config[0].mode}}""",
    ),
    "aws_ecs_task_definition": (
        "AWS::ECS::TaskDefinition",
        """{Family: family, Cpu: cpu, Memory: memory, NetworkMode: network_mode, TaskRoleArn: task_role_arn,
        RequiresCompatibilities: requires_compatibilities, ExecutionRoleArn: execution_role_arn,
        Volumes: volume[*].{Name: name}, ContainerDefinitions: container_definitions}""",
    ),
    "aws_ecs_service": (
        "AWS::ECS::Service",
        f"""{{ServiceName: name, Cluster: cluster, DesiredCount: desired_count, TaskDefinition: task_definition,
        HealthCheckGracePeriodSeconds: health_check_grace_period_seconds,
        CapacityProviderStrategy: capacity_provider_strategy[*].{{CapacityProvider: capacity_provider, Base: base,
        Weight: weight}}, NetworkConfiguration: {{AwsvpcConfiguration: {{Subnets: {_NETWORK}.subnets,
        SecurityGroups: {_NETWORK}.security_groups}}}},
        DeploymentConfiguration: {{MaximumPercent: deployment_maximum_percent,
        MinimumHealthyPercent: deployment_minimum_healthy_percent}}}}""",
    ),
}
KINDS = tuple(kind for kind, _ in _RESOURCES.values())
# The keys of these maps are names that the configuration chose.
_MAPS_OF_NAMES = {"Options", "DockerLabels", "Variables", "Parameters"}


def template(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template of the resources in a state file that cfn-lint should check."""
    resources: dict[str, Any] = {}
    for resource in state["resources"]:
        if resource["mode"] == "managed" and resource["type"] in _RESOURCES:
            kind, properties = _RESOURCES[resource["type"]]
            for instance in resource["instances"]:
                attributes = dict(instance["attributes"])
                if "container_definitions" in attributes:
                    attributes["container_definitions"] = _capitalized(json.loads(attributes["container_definitions"]))
                attributes["parameters"] = {item["name"]: item["value"] for item in attributes.get("parameter", ())}
                found = _given(jmespath.search(properties, attributes))
                resources[f"Resource{len(resources)}"] = {"Type": kind, "Properties": found}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _capitalized(value: Any) -> Any:
    if isinstance(value, dict):
        keys = {key[:1].upper() + key[1:]: part for key, part in value.items()}
        return {key: part if key in _MAPS_OF_NAMES else _capitalized(part) for key, part in keys.items()}
    return [_capitalized(part) for part in value] if isinstance(value, list) else value


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: given for key, part in value.items() if (given := _given(part)) not in (None, "", [], {})}
    return [_given(part) for part in value] if isinstance(value, list) else value
