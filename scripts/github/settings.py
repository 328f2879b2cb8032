"""Make GitHub's settings those of .github/settings.yml, or report the differences, as an administrator.

A setting is the body of a request to GitHub's REST API, by its path below the repository (docs/github.md has sources).
The functions above ``main`` are pure.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, Field, ValidationError

from scripts.environment import CHECKOUT, ROOT, CommandError, environments, outputs, run_command, terraform
from scripts.github.api import GitHub, GitHubError

FILE = ".github/settings.yml"
_ACCOUNT = ROOT.parent / "account"
_WORKFLOW = "actions/permissions/workflow"
_POLICIES = "deployment-branch-policies"
Body = Mapping[str, Any]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)?$")]


class _Environment(BaseModel, extra="forbid"):
    reviewers: Annotated[list[_Name], Field(max_length=6)] = []
    prevent_self_review: bool = True


class _Ruleset(BaseModel, extra="allow"):  # GitHub checks the rest
    name: str
    rules: list[dict[str, Any]]


class Settings(BaseModel, extra="forbid"):
    """The settings file."""

    workflow_permissions: dict[str, str | bool]
    environments: dict[str, _Environment]
    rulesets: list[_Ruleset]


class Change(NamedTuple):
    """A request, and a sentence that says why."""

    sentence: str
    method: str
    path: str
    body: Body | None


def parse(text: str, environments: Iterable[str]) -> Settings:
    """Read the settings file, or raise CommandError; ``environments`` are those that have a state."""
    try:
        settings = Settings.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise CommandError(f"{FILE} is not YAML: {error}") from error
    except ValidationError as error:
        lines = (f"{FILE}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise CommandError("\n".join(lines)) from error
    for name in settings.environments.keys() - set(environments):
        raise CommandError(f"{FILE}: environments.{name}: there is no terraform/environment/{name}.tfvars")
    return settings


def warning(settings: Settings, code_owners: str) -> str:
    """Warn an only code owner, who cannot approve their own pull requests; return an empty text to others.

    Source: https://github.com/orgs/community/discussions/9636.
    """
    rules = [rule.get("parameters", {}) for each in settings.rulesets for rule in each.rules]
    alone = re.search(r"^\* +(@[^\s/]+)$", code_owners, re.MULTILINE)
    if not alone or not any(rule.get("require_code_owner_review") for rule in rules):
        return ""
    why = f"CODEOWNERS names only {alone[1]}, and GitHub lets nobody approve their own pull request"
    return f"Warning: {why}. Add an owner or a team, or follow {FILE} for one person.\n"


def desired_settings(
    settings: Settings, environments: Iterable[str], account: Body, reviewers: Body
) -> dict[str, Body]:
    """Return the settings that GitHub should have, by path.

    ``environments`` have a state, ``account`` has the outputs of terraform/account, and ``reviewers`` GitHub's type,
    number and name of each reviewer by the name in the file.
    """
    made: dict[str, Body] = {_WORKFLOW: settings.workflow_permissions}
    for name in sorted(environments):
        about = settings.environments.get(name, _Environment())
        people = [reviewers[who] for who in about.reviewers]
        made[f"environments/{name}"] = _environment(people, about.prevent_self_review)
        made[f"environments/{name}/{_POLICIES}/main"] = {"name": "main", "type": "branch"}
    for path, value in _variables(account, set(environments)).items():
        made[path] = {"name": path.rpartition("/")[2], "value": value}
    default = {"enforcement": "active", "bypass_actors": []}
    return made | {f"rulesets/{each.name}": default | each.model_dump() for each in settings.rulesets}


def _environment(reviewers: Iterable[Body], prevent_self_review: object, *, is_custom: bool = True) -> Body:
    """Return a body that does not mention reviewers if there are none: some plans would refuse it."""
    policy = {"protected_branches": False, "custom_branch_policies": True} if is_custom else None
    review = {"reviewers": sorted(reviewers, key=lambda who: who["id"]), "prevent_self_review": prevent_self_review}
    return {"deployment_branch_policy": policy, **(review if review["reviewers"] else {})}


def _variables(account: Body, environments: set[str]) -> dict[str, str]:
    """Return each variable's value by path. The account with the registry sets the repository's.

    Another account overrides them for its environments; for jobs outside of environments it adds names with a suffix.
    """
    own = account["deploy_role_arns"]
    roles = {f"AWS_{role.upper()}_ROLE_ARN": account[f"{role}_role_arn"] for role in ("drift", "release_plan")}
    shared = {"STATE_BUCKET": account["state_bucket_name"], **roles}
    made = {f"environments/{name}/variables/AWS_DEPLOY_ROLE_ARN": arn for name, arn in own.items()}
    if account.get("build_role_arn"):
        shared |= {"AWS_REGION": account["region"], "IMAGE_REPOSITORY": account["image_repository_url"]}
        shared |= {f"AWS_{role.upper()}_ROLE_ARN": account[f"{role}_role_arn"] for role in ("build", "plan")}
        shared["ENVIRONMENTS"] = json.dumps(sorted(environments))
        if own.keys() < environments:
            shared["PLANNED_ENVIRONMENTS"] = " ".join(sorted(own))
        return made | {f"actions/variables/{name}": value for name, value in shared.items()}
    for name in own:
        made[f"environments/{name}/variables/STATE_BUCKET"] = shared["STATE_BUCKET"]
        made |= {f"actions/variables/{key}_{name.upper()}": value for key, value in shared.items()}
    return made


def described_environment(answer: Body) -> Body:
    """Return an environment that GitHub describes, in the form of a request's body."""
    review: Body = next((rule for rule in answer["protection_rules"] if rule["type"] == "required_reviewers"), {})
    people = [_described(entry["type"], entry["reviewer"]) for entry in review.get("reviewers", [])]
    is_custom = bool((answer["deployment_branch_policy"] or {}).get("custom_branch_policies"))
    return _environment(people, review.get("prevent_self_review"), is_custom=is_custom)


def changes(desired: Mapping[str, Body], actual: Mapping[str, Body]) -> Iterator[Change]:
    """Yield the requests after which GitHub has the desired settings. Variables and rulesets of other names stay."""
    for path, body in desired.items():
        collection, _, name = path.rpartition("/")
        is_listed, is_variable = collection.endswith(("variables", "rulesets", _POLICIES)), "variables/" in path
        if path not in actual:
            yield Change(f"{path}: create it", *(("POST", collection) if is_listed else ("PUT", path)), _sent(body))
        elif wrong := "; ".join(_differences(_comparable(body), _comparable(actual[path]))):
            key = name if is_variable else actual[path].get("id", name)
            no_reviewers: Body = {"reviewers": None} if "reviewers" in actual[path] else {}
            method = "PATCH" if is_variable else "PUT"
            yield Change(f"{path}: {wrong}", method, f"{collection}/{key}", {**no_reviewers, **_sent(body)})
    for path in actual.keys() - desired.keys():
        if _POLICIES in path:
            address = f"{path.partition(_POLICIES)[0]}{_POLICIES}/{actual[path]['id']}"
            yield Change(f"{path}: delete it, because only main deploys", "DELETE", address, None)


def _described(kind: str, reviewer: Body) -> Body:
    return {"type": kind, "id": reviewer["id"], "name": reviewer.get("login") or reviewer.get("slug")}


def _sent(body: Body) -> Body:
    """Return a body without the names of reviewers, which GitHub does not take."""
    people = [{key: who[key] for key in ("type", "id")} for who in body.get("reviewers", [])]
    return {**body, "reviewers": people} if people else body


def reduced(body: Body | None) -> Body | None:
    """Return what remains of a body that a plan refuses: no reviewers, no merge queue. None: nothing remains."""
    if body and "rules" in body:
        less = {**body, "rules": [rule for rule in body["rules"] if rule["type"] != "merge_queue"]}
    else:
        less = {key: value for key, value in (body or {}).items() if key == "deployment_branch_policy"}
    return less if less and less != body else None


def _comparable(body: Body) -> Body:
    """Return rules by type, because GitHub orders them, and say that there are no reviewers."""
    if "rules" not in body:
        return {"reviewers": [], **body} if "deployment_branch_policy" in body else body
    rules = {rule["type"]: rule.get("parameters") or {} for rule in body["rules"]}
    actors = sorted(body["bypass_actors"], key=lambda actor: actor["actor_id"] or 0)
    return {**body, "rules": rules, "bypass_actors": actors, "types of rules": sorted(rules)}


def _differences(desired: Any, actual: Any, where: str = "") -> Iterator[str]:
    """Yield what differs. Keys that only GitHub's answer has are its defaults."""
    if isinstance(desired, Mapping) and isinstance(actual, Mapping):
        for key, value in desired.items():
            yield from _differences(value, actual.get(key), f"{where}.{key}".lstrip("."))
    elif desired != actual:
        yield f"{where} is {actual}, should be {desired}"


def main(arguments: list[str], environment: Mapping[str, str], github: GitHub) -> int:
    """Return 0 if GitHub has the settings, or as many as its plan allows; with ``--check``, 1 if one differs."""
    return run_command(environment, lambda: _configure(arguments, environment, github))


def _configure(arguments: list[str], environment: Mapping[str, str], github: GitHub) -> None:
    repository, differing = _compare(github)
    print("\n".join([change.sentence for change in differing] or [f"{repository} has the settings of {FILE}."]))
    if not differing:
        return
    if "--check" in arguments:
        raise CommandError(f"{len(differing)} settings differ from {FILE}. make github applies it.")
    if environment.get("YES") != "1":
        try:
            answer = input(f"Change these {len(differing)} settings of {repository}? Only yes is accepted: ")
        except EOFError:
            raise CommandError("Nothing was changed. Set YES=1 to run without a terminal.") from None
        if answer != "yes":
            raise CommandError("Nothing was changed.")
    _apply(github, repository, differing)


def _compare(github: GitHub) -> tuple[str, list[Change]]:
    """Return the repository's path in the API, and what differs."""
    names = environments()
    settings = parse((CHECKOUT / FILE).read_text(), names)
    owners = CHECKOUT / ".github" / "CODEOWNERS"
    print(warning(settings, owners.read_text() if owners.exists() else ""), end="")
    about = github.request("GET", "repos/{owner}/{repo}")  # gh knows them from git's remote
    if not about["permissions"]["admin"]:
        advice = "gh auth status, or set GH_REPO=OWNER/REPOSITORY if you mean another one"
        raise CommandError(f"The login of gh is not an administrator of {about['full_name']}: {advice}.")
    if (branch := about["default_branch"]) != "main":
        raise CommandError(
            f"The default branch is {branch}, and everything runs on main: gh api -X POST "
            f"repos/{about['full_name']}/branches/{branch}/rename -f new_name=main"
        )
    terraform("init", "-input=false", root=_ACCOUNT)
    account = outputs(_ACCOUNT)
    if not account:
        raise CommandError("terraform/account has no outputs. Run make account first.")
    named = {who for each in settings.environments.values() for who in each.reviewers}
    reviewers = {who: _reviewer(github, about["owner"]["login"] if who == "OWNER" else who) for who in named}
    repository = f"repos/{about['full_name']}"
    actual = _actual_settings(github, repository, names)
    return repository, list(changes(desired_settings(settings, names, account, reviewers), actual))


def _reviewer(github: GitHub, name: str) -> Body:
    organization, _, team = name.rpartition("/")
    path = f"orgs/{organization}/teams/{team}" if organization else f"users/{name}"
    answer = github.request("GET", path)
    if answer.get("type") == "Organization":
        raise CommandError(f"{FILE}: {name} is an organization. Name a user, or a team such as {name}/platform.")
    return _described("Team" if organization else "User", answer)


def _actual_settings(github: GitHub, repository: str, names: Iterable[str]) -> dict[str, Body]:
    """Return the settings that GitHub has, by path."""

    def entries(path: str, key: str | None = None) -> list[Any]:
        try:
            return list(github.pages(f"{repository}/{path}", key))
        except GitHubError as error:
            if error.is_not_in_plan:
                return []  # the request that would change it says so
            raise

    found = {_WORKFLOW: github.request("GET", f"{repository}/{_WORKFLOW}")}
    for each in entries("rulesets?includes_parents=false"):
        found[f"rulesets/{each['name']}"] = github.request("GET", f"{repository}/rulesets/{each['id']}")
    environments = [each for each in entries("environments", "environments") if each["name"] in names]
    for section in ("actions", *(f"environments/{each['name']}" for each in environments)):
        found |= {f"{section}/variables/{each['name']}": each for each in entries(f"{section}/variables", "variables")}
    for each in environments:
        section = f"environments/{each['name']}"
        found[section] = body = described_environment(each)
        for policy in entries(f"{section}/{_POLICIES}", "branch_policies") if body["deployment_branch_policy"] else []:
            tag = "tag " if policy.get("type") == "tag" else ""
            found[f"{section}/{_POLICIES}/{tag}{policy['name']}"] = {"type": "branch", **policy}
    return found


def _apply(github: GitHub, repository: str, changes: Iterable[Change]) -> None:
    """Send the requests; report what the plan does not include, leave out the settings below it, and continue."""
    missing: list[str] = []
    for change in changes:
        body = change.body
        while not f"{change.path}/".startswith(tuple(missing)):
            try:
                github.request(change.method, f"{repository}/{change.path}", body)
                break
            except GitHubError as error:
                if not error.is_not_in_plan:
                    raise
                print(f"Not available in this plan (docs/github.md): {change.sentence}. {error}")
                body = reduced(body)
                missing += [] if body else [f"{change.path}/"]
    print("Applied, as far as the plan allows." if missing else "Applied.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, GitHub()))
