from rehearsal.deployment import failed_rollout, failed_task


def test_a_first_deployment_that_failed_is_named_with_what_ecs_said() -> None:
    service = {"rollout": "FAILED", "events": ["container migrate exited with 1"]}
    said = failed_rollout({"taproom-dev": service})
    assert said is not None
    assert "taproom-dev do not start" in said
    assert "container migrate exited with 1" in said
    assert failed_rollout({"taproom-dev": {**service, "rollout": "IN_PROGRESS"}}) is None, "it is waited for"


def test_the_newest_task_of_an_image_that_failed_is_found() -> None:
    def task(name: str, created: str, image: str, reason: str | None) -> dict[str, object]:
        images, status = {"app": f"registry/taproom@{image}"}, "STOPPED" if reason else "RUNNING"
        return {"id": name, "created": created, "images": images, "stopped_reason": reason, "status": status}

    tasks = [
        task("first", "12:00", "sha256:2", "container app exited"),
        task("newest", "12:01", "sha256:2", "container app exited"),
        task("replaced", "12:02", "sha256:2", "Scaling activity initiated by deployment 1"),
        task("running", "12:03", "sha256:2", None),
        task("other", "12:04", "sha256:1", "container app exited"),
    ]
    assert failed_task(tasks, "sha256:2") == "newest"
    assert failed_task(tasks, "sha256:3") is None
