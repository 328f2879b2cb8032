"""Each repair of moto does what AWS does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.local_aws import LocalAws


def test_a_database_parameter_that_was_set_names_the_user_as_its_source(aws: LocalAws) -> None:
    rds = aws.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="beers", DBParameterGroupFamily="postgres17", Description="beers"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="beers",
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    found = rds.describe_db_parameters(DBParameterGroupName="beers")["Parameters"]
    assert [(p["ParameterName"], p["ParameterValue"], p["Source"]) for p in found] == [("rds.force_ssl", "1", "user")]


def test_a_scalable_target_keeps_its_tags(aws: LocalAws) -> None:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(family="scaled", containerDefinitions=[{"name": "app", "image": "x", "memory": 128}])
    ecs.create_service(cluster="scaled", serviceName="web", taskDefinition="scaled", desiredCount=0)
    scaling = aws.client("application-autoscaling")
    arn = scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/scaled/web",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
        Tags={"team": "cellar"},
    )["ScalableTargetARN"]
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "cellar"}
    scaling.tag_resource(ResourceARN=arn, Tags={"stage": "dev"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stage": "dev"}
