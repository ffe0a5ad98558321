"""Console pages of models: table, one model, activation, rollback, and trials."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.application import model_admin
from api.console.console_pages import is_confirmed, question_page, see, show
from api.console.evaluation_pages import result_context
from api.console.signed_in import console_router, form_of
from api.http.dependencies import App
from api.http.problems import HTTPProblem
from api.http.security.auth import actor
from recsys.domain import DAY
from recsys.errors import RequestError
from recsys.models.served_ranker import FULL_SYSTEM, PART_NAMES
from recsys.serving.experiment import Experiment

router = console_router()

_LISTED = 30
_OUTCOME_DAYS = 30

_Version = Annotated[str, Query(max_length=128)]


@router.get("/models")
def listed(request: Request, app: App) -> Response:
    """Return the table of models, and the running trial."""
    models = model_admin.summarise_models(app, _LISTED)
    context = {
        "models": [(model, _figures(model.manifest)) for model in models],
        "serving": app.feed.engine.models.version,
        "trial": model_admin.current_experiment(app),
        "previous": next((model.version for model in models if model.previous and not model.active), None),
    }
    return show(request, "models.html", context)


@router.get("/models/one")
def model(request: Request, app: App, version: _Version) -> Response:
    """Return the training report of one model, with its validation.

    Raises:
        HTTPProblem: 404, there is no such model.
        BundleError: the model is damaged.
    """
    _require(app, version)
    manifest = model_admin.read_manifest(app, version)
    context = {
        "version": version,
        "served": PART_NAMES.get(manifest.get("ranking", {}).get("system", FULL_SYSTEM), "unknown"),
        "data": manifest["data"],
        "libraries": manifest.get("libraries", {}),
        "warnings": manifest.get("warnings", []),
        "trees": manifest.get("trees", {}),
    }
    return show(request, "model.html", context | result_context(validation_of(manifest)))


@router.get("/models/outcome")
def outcome(request: Request, app: App) -> Response:
    """Return the outcomes of all models in the last days, as a part of the page."""
    arms = model_admin.experiment_arms(app, app.clock.next() - _OUTCOME_DAYS * DAY)
    return show(request, "models_outcome.html", {"arms": arms, "days": _OUTCOME_DAYS})


@router.post("/models/activate")
def activate(request: Request, app: App) -> Response:
    """Activate a model, after a question.

    Raises:
        HTTPProblem: 404, there is no such model.
        BundleError: it cannot serve; the former one stays active.
    """
    version = form_of(request).get("version", "")
    _require(app, version)
    if not is_confirmed(request):
        consequence = (
            "It answers all readers from the next feed on. You can roll back to the model that is active now."
        )
        return question_page(request, f"Activate model {version}?", consequence, "Activate")
    model_admin.activate_model(app, version, actor(request))
    return see(request, "console/models", "model-activated")


@router.post("/models/roll-back")
def roll_back(request: Request, app: App) -> Response:
    """Activate the model that was active before, after a question.

    Raises:
        BundleError: there is none, or it cannot serve.
    """
    if not is_confirmed(request):
        consequence = "The model that was active before answers all readers from the next feed on."
        return question_page(request, "Roll back?", consequence, "Roll back")
    model_admin.roll_back(app, actor(request))
    return see(request, "console/models", "rolled-back")


@router.post("/models/start-trial")
def start_trial(request: Request, app: App) -> Response:
    """Start a trial of a model beside the active one.

    Raises:
        HTTPProblem: 404, there is no such model.
        RequestError: a share is not valid.
        BundleError: the model cannot serve, or is the active one.
    """
    form = form_of(request)
    _require(app, form.get("version", ""))
    chosen = Experiment(form["version"], _share(form, "share"), _share(form, "shadow"), _share(form, "interleave"))
    model_admin.start_experiment(app, chosen, actor(request))
    return see(request, "console/models", "trial-started")


@router.post("/models/end-trial")
def end_trial(request: Request, app: App) -> Response:
    """End the trial, after a question.

    Raises:
        BundleError: no trial runs.
    """
    if not is_confirmed(request):
        consequence = "The active model answers all readers. Slates of the trial stay in the log."
        return question_page(request, "End the trial?", consequence, "End trial")
    model_admin.end_experiment(app, actor(request))
    return see(request, "console/models", "trial-ended")


def validation_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of the validation slice in a manifest, in the form of a report of `attune evaluate`."""
    report = manifest.get("validation_report") or {}
    return {"systems": manifest["validation"], **report}


def _figures(manifest: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if manifest is None:
        return None
    own = manifest.get("validation", {}).get(FULL_SYSTEM, {})
    data = manifest.get("data", {})
    return {"auc": own.get("auc"), "ci": own.get("ci", {}).get("auc"), "until": data.get("until"), "data": data}


def _share(form: Mapping[str, str], name: str) -> float:
    """Return a share of the form, which has percent."""
    try:
        return float(form.get(name, "0")) / 100
    except ValueError as error:
        raise RequestError(f"`{name}` must be a number of percent from 0 to 100") from error


def _require(app: App, version: str) -> None:
    if not model_admin.model_exists(app, version):
        raise HTTPProblem(404, "There is no such model", "the page of models lists all")
