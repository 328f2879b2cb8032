"""Move staging labels between a secret's versions. Pure: labels in, labels out.

``AWSCURRENT`` is on one version at most. When it moves, the version that had it gets ``AWSPREVIOUS``. A version
without labels is deprecated.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
"""

from collections.abc import Iterable, Mapping

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"

# Version ids and the labels on each, in the order in which the versions were made.
Labels = dict[str, list[str]]


class StagingError(Exception):
    """A label cannot be moved like this; the message is AWS's."""


def holder(labels: Mapping[str, Iterable[str]], label: str) -> str | None:
    """Return the version that has ``label``."""
    return next((version for version, own in labels.items() if label in own), None)


def put_version(labels: Mapping[str, Iterable[str]], version_id: str, wanted: Iterable[str]) -> Labels:
    """Return the labels after a version was put with ``wanted`` labels, which move to it.

    The first version of a secret gets ``AWSCURRENT`` in any case.
    """
    asked = list(wanted)
    others = [version for version in labels if version != version_id]
    if not others and CURRENT not in asked:
        asked.append(CURRENT)
    result = {version: list(own) for version, own in labels.items()}
    result.setdefault(version_id, [])
    for label in asked:
        result = _attach(result, label, version_id)
    return result


def move_label(labels: Mapping[str, Iterable[str]], label: str, remove_from: str | None, move_to: str | None) -> Labels:
    """Return the labels after UpdateSecretVersionStage.

    Args:
        labels: as they are.
        label: what moves.
        remove_from: the version that has it; must be named if there is one.
        move_to: the version that gets it, None to take it away.

    Raises:
        StagingError: a version is not known, does not carry the label, or is not named though it does.
    """
    for version in (remove_from, move_to):
        if version and version not in labels:
            raise StagingError(f"Not a valid version: {version}")
    found = holder(labels, label)
    if remove_from and remove_from != found:
        raise StagingError(f"Staging label {label} isn't attached to version {remove_from}.")
    if found and move_to and found != move_to and not remove_from:
        raise StagingError(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to "
            f"version {found}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if label == CURRENT and not move_to:
        raise StagingError(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."
        )
    result = {version: list(own) for version, own in labels.items()}
    if move_to:
        return _attach(result, label, move_to)
    return _detach(result, label)


def _attach(labels: Labels, label: str, version_id: str) -> Labels:
    left = holder(labels, label)
    if left == version_id:
        return labels
    result = _detach(labels, label)
    result[version_id] = [*result[version_id], label]
    if label == CURRENT and left is not None:
        result = _detach(result, PREVIOUS)
        result[left] = [*result[left], PREVIOUS]
    return result


def _detach(labels: Labels, label: str) -> Labels:
    return {version: [own for own in carried if own != label] for version, carried in labels.items()}
