"""Small repairs of moto 5.2.5, each of a behaviour of AWS that a plan, an apply or a destroy relies on.

A repair belongs here when it concerns a service that has no room of its own. It says what AWS does; its test does
it through boto3, as Terraform would.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.rds.models import DBParameterGroup

from rehearsal.aws.extension import Extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rehearsal.aws.settings import Context


class Gaps:
    """The repairs while they are in place."""

    def __init__(self) -> None:
        self._extension = Extension()
        self._scalable_target_tags: dict[str, dict[str, str]] = {}

    def install(self) -> None:
        """Make all repairs. Once, before anything is served."""
        self._name_the_source_of_database_parameters()
        self._keep_tags_of_scalable_targets()

    def stop(self) -> None:
        """Give moto its methods back. Safe to call twice."""
        self._extension.undo()

    def status(self) -> dict[str, Any]:
        """Nothing: a repair has no state that a person would ask for."""
        return {}

    def _name_the_source_of_database_parameters(self) -> None:
        """DescribeDBParameters gives each parameter its Source, ``user`` for one that was set.

        Terraform's provider reads only those of the user; without a source, each plan wants to set them again.
        """

        @self._extension.method(DBParameterGroup, "update_parameters")
        def update(
            original: Callable[..., None], group: DBParameterGroup, parameters: Iterable[dict[str, Any]]
        ) -> None:
            original(group, [{"Source": "user", **parameter} for parameter in parameters])

    def _keep_tags_of_scalable_targets(self) -> None:
        """ListTagsForResource, TagResource and UntagResource of Application Auto Scaling, which moto lacks.

        Terraform's provider lists the tags of each target that it reads.
        """
        tags = self._scalable_target_tags

        @self._extension.method(ApplicationAutoScalingResponse, "register_scalable_target")
        def register(original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            answer = original(response)
            given = json.loads(response.body).get("Tags")
            if given:
                tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(given)
            return answer

        @self._extension.method(ApplicationAutoScalingResponse, "list_tags_for_resource")
        def list_tags(_original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            return json.dumps({"Tags": tags.get(json.loads(response.body)["ResourceARN"], {})})

        @self._extension.method(ApplicationAutoScalingResponse, "tag_resource")
        def tag(_original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            request = json.loads(response.body)
            tags.setdefault(request["ResourceARN"], {}).update(request["Tags"])
            return "{}"

        @self._extension.method(ApplicationAutoScalingResponse, "untag_resource")
        def untag(_original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            request = json.loads(response.body)
            own = tags.get(request["ResourceARN"], {})
            for key in request["TagKeys"]:
                own.pop(key, None)
            return "{}"


def install(_context: Context) -> Gaps:
    """Repair moto."""
    room = Gaps()
    room.install()
    return room
