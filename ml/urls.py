"""URLs of the package's pages, below a project, and of its API."""

from django.urls import path

from ml import (
    api,
    api_compare,
    api_explain,
    api_map,
    api_predict,
    views,
    views_explain,
    views_map,
    views_registry,
)

app_name = "ml"
urlpatterns = [
    path("", views.home, name="home"),
    path("retrain/", views.retrain, name="retrain"),
    path("search/", views.search, name="search"),
    path("rank/", views.rank, name="rank"),
    path("runs/<int:number>/", views.run_detail, name="run"),
    path("versions/<int:number>/", views.version_detail, name="version"),
    path("versions/<int:number>/evaluation/", views.version_evaluation, name="evaluation"),
    path("runs/<int:number>/stop/", views.run_stop, name="stop"),
    path("explain/<int:review_id>/", views_explain.explain, name="explain"),
    path("map/", views_map.maps, name="map"),
    path("similar/<int:review_id>/", views_map.similar, name="similar"),
    path("similarity/", views_map.similarity, name="similarity"),
    path("compare/", views_registry.compare, name="compare"),
    path("versions/<int:number>/promote/", views_registry.version_promote, name="promote"),
    path("versions/<int:number>/rollback/", views_registry.version_rollback, name="rollback"),
    path("versions/<int:number>/check/", views_registry.version_check, name="check"),
    path("versions/<int:number>/files/<str:name>/", views_registry.version_file, name="file"),
    path("try/", views.try_one, name="try"),
    path("predictions/", views.prediction_list, name="predictions"),
    path("predictions/<int:prediction_id>/", views.prediction_detail, name="prediction"),
    path("predictions/<int:prediction_id>/results/", views.prediction_results, name="results"),
]

_project = "projects/<slug:slug>"
api_urlpatterns = [
    path(f"{_project}/training-runs/", api.TrainingRunListApi.as_view()),
    path(f"{_project}/searches/", api.SearchListApi.as_view()),
    path(f"{_project}/training-runs/<int:number>/", api.TrainingRunApi.as_view()),
    path(f"{_project}/training-runs/<int:number>/stop/", api.StopApi.as_view()),
    path(f"{_project}/model-versions/", api.ModelVersionListApi.as_view()),
    path(f"{_project}/model-versions/<int:number>/", api.ModelVersionApi.as_view()),
    path(f"{_project}/model-versions/<int:number>/evaluation/", api.EvaluationApi.as_view()),
    path(f"{_project}/model-versions/<int:number>/files/<str:name>/", api.FileApi.as_view()),
    path(f"{_project}/model-versions/<int:number>/promote/", api_compare.PromoteApi.as_view()),
    path(f"{_project}/model-versions/<int:number>/rollback/", api_compare.RollbackApi.as_view()),
    path(f"{_project}/model-versions/compare/", api_compare.CompareApi.as_view()),
    path(f"{_project}/embedding-maps/", api_map.MapListApi.as_view()),
    path(f"{_project}/embedding-maps/<int:map_id>/", api_map.MapApi.as_view()),
    path(f"{_project}/reviews/<int:review_id>/similar/", api_map.SimilarApi.as_view()),
    path(f"{_project}/reviews/<int:review_id>/explanations/", api_explain.ExplanationApi.as_view()),
    path(f"{_project}/similarity/", api_map.SimilarityApi.as_view()),
    path(f"{_project}/predict/", api_predict.PredictApi.as_view()),
    path(f"{_project}/prediction-jobs/", api_predict.PredictionJobListApi.as_view()),
    path(
        f"{_project}/prediction-jobs/<int:prediction_id>/", api_predict.PredictionJobApi.as_view()
    ),
    path(
        f"{_project}/prediction-jobs/<int:prediction_id>/results/",
        api_predict.ResultsApi.as_view(),
    ),
]
