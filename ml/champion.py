"""The champion: who becomes it, on what grounds, and what happens when its files are damaged."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from common.errors import Conflict, Invalid, NotReady
from jobs.models import Job
from jobs.services import enqueue
from ml import checkpoints, selectors
from ml.comparing import together
from ml.core import checkpoint
from ml.core.errors import CheckpointError, CheckpointFormatError
from ml.gate import Gate
from ml.models import ModelVersion, Promotion
from projects.models import Project

_MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class _Grounds:
    kind: Promotion.Kind
    gate: str = ""
    reason: str = ""


def promote(*, version: ModelVersion, actor: User | None, override: str = "") -> ModelVersion:
    """Make a version the champion and have it rank what waits; doing it twice changes nothing.

    Every file of it is read, and it is compared with the champion on the same rows first. Raises
    Conflict with the gate's words when it got worse and no `override` says why it is promoted all
    the same, Conflict for a version whose files cannot be trusted (they put it into quarantine),
    NotReady when they are not here.
    """
    said = _reason(override, field="override")
    version.refresh_from_db()
    if version.is_champion:
        return version
    _check_files(version)
    champion = selectors.champion_of(version.project)
    gate = gate_of(champion, version)
    return _promote(version, champion, gate, actor=actor, override=said)


def gate_of(champion: ModelVersion | None, version: ModelVersion) -> Gate | None:
    """Return what the gate says about a version; None where there is no champion to beat.

    A champion in quarantine is compared by what it answered before.
    """
    if champion is None or champion.pk == version.pk:
        return None
    return together(version.project, champion, version).gate


@transaction.atomic
def _promote(
    version: ModelVersion,
    champion: ModelVersion | None,
    gate: Gate | None,
    *,
    actor: User | None,
    override: str,
) -> ModelVersion:
    present = _locked_champion(version)
    if version.is_champion:
        return version
    _check_state(version)
    if (present and present.pk) != (champion and champion.pk):
        raise Conflict("Another version became the champion meanwhile. Compare with that one.")
    is_shut = False
    if gate is not None and not gate.is_open:
        is_shut = True
        if not override:
            raise Conflict(" ".join([gate.words, *(each.words for each in gate.against)]))
    grounds = _Grounds(
        kind=Promotion.Kind.OVERRIDE if is_shut else Promotion.Kind.GATE,
        gate=_told(gate),
        reason=override if is_shut else "",
    )
    _crown(version, present, grounds, actor=actor)
    return version


def roll_back(*, version: ModelVersion, actor: User | None, reason: str = "") -> ModelVersion:
    """Give an earlier champion its place back, without asking the gate; twice changes nothing.

    Raises Conflict for a version that never was champion or whose files cannot be trusted (they put
    it into quarantine), NotReady when they are not here.
    """
    said = _reason(reason, field="reason")
    version.refresh_from_db()
    if version.is_champion:
        return version
    if version.promoted_at is None:
        raise Conflict(f"{version} never was the champion. Promote it instead.".capitalize())
    _check_files(version)
    return _roll_back(version, actor=actor, reason=said)


@transaction.atomic
def _roll_back(version: ModelVersion, *, actor: User | None, reason: str) -> ModelVersion:
    present = _locked_champion(version)
    if version.is_champion:
        return version
    _check_state(version)
    _crown(version, present, _Grounds(Promotion.Kind.ROLLBACK, reason=reason), actor=actor)
    return version


def crown(version: ModelVersion, *, kind: Promotion.Kind, actor: User | None) -> None:
    """Make a version the champion, in the caller's transaction."""
    _crown(version, None, _Grounds(kind=kind), actor=actor)


def _locked_champion(version: ModelVersion) -> ModelVersion | None:
    """Hold the project, so that one change of champion happens at a time; return the champion.

    The version is held too, against a quarantine, which holds nothing else. Both let rows that
    refer to them be added: a quarantine that waited to record itself would never end.
    """
    Project.objects.select_for_update(no_key=True).get(pk=version.project_id)
    version.refresh_from_db(from_queryset=ModelVersion.objects.select_for_update(no_key=True))
    return ModelVersion.objects.filter(project_id=version.project_id, is_champion=True).first()


def _check_files(version: ModelVersion) -> None:
    """Read every file, which takes a moment for a large encoder: not while anything is held."""
    _check_state(version)
    fault = fault_of(version)
    if fault:
        quarantine(version=version, reason=fault)
        raise _unfit(version, fault)


def _check_state(version: ModelVersion) -> None:
    if version.state != ModelVersion.State.READY:
        why = version.quarantine_reason or "Promote another or train again."
        raise _unfit(version, why)


def _unfit(version: ModelVersion, why: str) -> Conflict:
    name = str(version).capitalize()
    return Conflict(f"{name} is in quarantine and cannot be promoted. {why}")


def _reason(given: str, *, field: str) -> str:
    reason = given.strip()
    if len(reason) > _MOST_REASON:
        raise Invalid.of(field, f"A reason has at most {_MOST_REASON} characters.")
    return reason


def _told(gate: Gate | None) -> str:
    return " ".join([gate.words, *(each.words for each in gate.questions)]) if gate else ""


def _crown(
    version: ModelVersion, before: ModelVersion | None, grounds: _Grounds, *, actor: User | None
) -> None:
    if before is not None:
        before.is_champion = False
        before.save(update_fields=["is_champion"])
    version.is_champion = True
    version.promoted_at = timezone.now()
    version.save(update_fields=["is_champion", "promoted_at"])
    Promotion.objects.create(
        project_id=version.project_id,
        model_version=version,
        before=before,
        kind=grounds.kind,
        actor=actor,
        gate=grounds.gate,
        reason=grounds.reason,
    )
    audit.record(
        actor=actor,
        project_id=version.project_id,
        action="model.promoted",
        subject=str(version),
        before=str(before) if before else "",
        how=grounds.kind.value,
        gate=grounds.gate[:2000],
        reason=grounds.reason,
    )
    with suppress(Conflict):  # its ranking is under way already: promoted twice in a minute
        _enqueue_ranking(version, actor=actor)


# --- What the champion ranks ----------------------------------------------------------------------


@transaction.atomic
def rank_again(*, project: Project, actor: User | None) -> Job:
    """Have the champion rank the unlabelled reviews anew, for those that came since.

    Raises Conflict without a champion or while a ranking by it is under way.
    """
    champion = ModelVersion.objects.filter(project=project, is_champion=True).first()
    if champion is None:
        raise Conflict("There is no model yet. Train one first.")
    return _enqueue_ranking(champion, actor=actor)


def _enqueue_ranking(version: ModelVersion, *, actor: User | None) -> Job:
    return enqueue(
        project=version.project,
        kind="score",
        actor=actor,
        params={"model_version": version.number},
        # One ranking a version: a new champion need not wait for its predecessor's.
        single_key=f"score-{version.number}",
    )


# --- Damage ---------------------------------------------------------------------------------------


@transaction.atomic
def quarantine(*, version: ModelVersion, reason: str) -> None:
    """Mark a version whose files are not what they were; nothing loads it any more."""
    changed = ModelVersion.objects.filter(pk=version.pk, state=ModelVersion.State.READY).update(
        state=ModelVersion.State.QUARANTINED, quarantine_reason=reason[:500]
    )
    if changed:
        audit.record(
            actor=None,
            project_id=version.project_id,
            action="model.quarantined",
            subject=str(version),
            reason=reason[:500],
        )


def check_files(*, version: ModelVersion, actor: User | None) -> str:
    """Compare every file of a version with its manifest, and act on it; return what was found.

    A damaged version is quarantined; one in quarantine whose files are whole again, say from a
    backup, is let out. Raises NotReady when the files are not on this machine.
    """
    fault = fault_of(version)
    if fault:
        quarantine(version=version, reason=fault)
        return fault
    _release(version, actor=actor)
    return ""


def fault_of(version: ModelVersion) -> str:
    """Return what is wrong with a version; empty when its files are whole and may be used.

    Raises NotReady when they are not on this machine or of another release.
    """
    checkpoints.check_here(version)
    try:
        checkpoints.check_manifest(version)
        checkpoint.verify(checkpoints.directory_of(version))
    except CheckpointFormatError as error:
        raise NotReady(f"{version} was made by another release of Gloss. Train again.") from error
    except CheckpointError as error:
        return str(error)
    metrics = checkpoint.read_json(checkpoints.directory_of(version) / "metrics.json")
    return checkpoints.divergence(metrics)


@transaction.atomic
def _release(version: ModelVersion, *, actor: User | None) -> None:
    changed = ModelVersion.objects.filter(
        pk=version.pk, state=ModelVersion.State.QUARANTINED
    ).update(state=ModelVersion.State.READY, quarantine_reason="")
    if changed:
        audit.record(
            actor=actor,
            project_id=version.project_id,
            action="model.released",
            subject=str(version),
            reason="every file is what it was when the version was kept",
        )
