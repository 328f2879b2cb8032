"""Updates, subscribers and tags of budgets, which moto lacks. Nothing is spent, so no budget sends a notification."""

import json
from collections.abc import Callable
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse

from localaws.patch import PatchingService
from localaws.settings import Context


class Budgets(PatchingService):
    """Patches budgets."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tags: dict[str, dict[str, str]] = {}

        self._answer("create_budget", self._create)
        self._answer("update_budget", self._update)
        self._answer("describe_subscribers_for_notification", self._subscribers)
        self._answer("list_tags_for_resource", self._list_tags)

    def _answer(
        self, operation: str, answer: Callable[[BudgetsResponse, dict[str, Any], Callable[..., Any]], Any]
    ) -> None:
        @self._patch.method(BudgetsResponse, operation)
        def respond(original: Callable[..., str], response: BudgetsResponse) -> str:
            return json.dumps(answer(response, json.loads(response.body), lambda: original(response)))

    def _create(self, _response: BudgetsResponse, request: dict[str, Any], original: Callable[[], str]) -> Any:
        answer = json.loads(original())
        arn = f"arn:aws:budgets::{request['AccountId']}:budget/{request['Budget']['BudgetName']}"
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("ResourceTags") or []}
        return answer

    @staticmethod
    def _update(response: BudgetsResponse, request: dict[str, Any], _original: Callable[[], str]) -> Any:
        wanted = request["NewBudget"]
        budget = response.backend.budgets[request["AccountId"]].get(wanted["BudgetName"])
        if budget is None:
            raise NotFoundException(f"Unable to get budget: {wanted['BudgetName']} - the budget doesn't exist.")
        budget.budget = {**budget.budget, **wanted}
        return {}

    @staticmethod
    def _subscribers(response: BudgetsResponse, request: dict[str, Any], _original: Callable[[], str]) -> Any:
        budget = response.backend.budgets[request["AccountId"]][request["BudgetName"]]
        asked = request["Notification"]
        for notification in budget.notifications:
            if all(
                notification.details.get(name) == value for name, value in asked.items() if name != "NotificationState"
            ):
                return {"Subscribers": notification.subscribers}
        raise NotFoundException("The notification doesn't exist.")

    def _list_tags(self, _response: BudgetsResponse, request: dict[str, Any], _original: Callable[[], str]) -> Any:
        tags = self._tags.get(request["ResourceARN"], {})
        return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}
