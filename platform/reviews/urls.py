"""URLs of the package's pages, below a project, and of its API."""

from django.urls import path

from reviews import (
    api,
    bulk_views,
    check_api,
    check_views,
    dataset_api,
    dataset_views,
    derive_api,
    derive_views,
    export_api,
    export_views,
    mapping_views,
    table_api,
    undo_views,
    upload_api,
    upload_views,
    views,
)

app_name = "reviews"
urlpatterns = [
    path("", views.review_list, name="list"),
    path("upload/", upload_views.upload_new, name="upload"),
    path("uploads/<int:upload_id>/", upload_views.upload_read, name="read"),
    path("uploads/<int:upload_id>/map/", mapping_views.upload_map, name="mapping"),
    path("uploads/<int:upload_id>/discard/", upload_views.upload_discard, name="discard"),
    path("datasets/<int:dataset_id>/undo/", undo_views.dataset_undo, name="undo"),
    path("checks/<int:check_id>/", check_views.check_detail, name="check"),
    path("checks/<int:check_id>/rejects.csv", check_views.check_rejects, name="check-rejects"),
    path("datasets/<int:dataset_id>/", dataset_views.dataset_detail, name="dataset"),
    path("datasets/<int:dataset_id>/rejects.csv", dataset_views.dataset_rejects, name="rejects"),
    path("datasets/<int:dataset_id>/splits/", dataset_views.dataset_splits, name="dataset-splits"),
    path("datasets/<int:dataset_id>/versions/", dataset_views.version_new, name="version-new"),
    path(
        "datasets/<int:dataset_id>/versions/<int:number>/file/",
        dataset_views.version_file,
        name="version-file",
    ),
    path(
        "datasets/<int:dataset_id>/versions/<int:number>/changes/",
        dataset_views.version_changes,
        name="version-changes",
    ),
    path("datasets/", views.dataset_list, name="datasets"),
    path("bulk/", bulk_views.bulk_choose, name="bulk"),
    path("bulk/start/", bulk_views.bulk_start, name="bulk_start"),
    path("bulk/<int:action_id>/", bulk_views.bulk_action, name="bulk_action"),
    path("bulk/<int:action_id>/undo/", bulk_views.bulk_undo, name="bulk_undo"),
    path("views/", bulk_views.view_save, name="view_save"),
    path("views/<int:view_id>/", bulk_views.view_change, name="view_change"),
    path("exports/", export_views.export_list, name="exports"),
    path("exports/new/", export_views.export_new, name="export_new"),
    path("exports/<int:export_id>/file/", export_views.export_file, name="export_file"),
    path("derive/", derive_views.derive_new, name="derive"),
    path("<int:review_id>/", views.review_detail, name="detail"),
]

_project = "projects/<slug:slug>"
_dataset = f"{_project}/datasets/<int:dataset_id>"
api_urlpatterns = [
    path(f"{_project}/datasets/", api.DatasetListApi.as_view()),
    path(f"{_project}/datasets/derive/", derive_api.DeriveApi.as_view()),
    path(f"{_project}/datasets/<int:dataset_id>/", api.DatasetApi.as_view()),
    path(f"{_project}/datasets/<int:dataset_id>/rejects.csv", api.RejectsApi.as_view()),
    path(f"{_dataset}/splits/", dataset_api.SplitsApi.as_view()),
    path(f"{_dataset}/versions/", dataset_api.VersionListApi.as_view()),
    path(f"{_dataset}/versions/<int:number>/file/", dataset_api.VersionFileApi.as_view()),
    path(f"{_dataset}/versions/<int:number>/changes/", dataset_api.VersionChangesApi.as_view()),
    path(f"{_project}/exports/", export_api.ExportListApi.as_view()),
    path(f"{_project}/exports/<int:export_id>/", export_api.ExportApi.as_view()),
    path(f"{_project}/exports/<int:export_id>/file/", export_api.ExportFileApi.as_view()),
    path(f"{_project}/uploads/", upload_api.UploadListApi.as_view()),
    path(f"{_project}/uploads/<int:upload_id>/check/", check_api.CheckListApi.as_view()),
    path(f"{_project}/checks/<int:check_id>/", check_api.CheckApi.as_view()),
    path(f"{_project}/checks/<int:check_id>/rejects.csv", check_api.CheckRejectsApi.as_view()),
    path(f"{_project}/uploads/<int:upload_id>/", upload_api.UploadApi.as_view()),
    path(f"{_project}/reviews/", table_api.ReviewListApi.as_view()),
    path(f"{_project}/reviews/<int:review_id>/", table_api.ReviewApi.as_view()),
    path(f"{_project}/bulk-actions/", table_api.BulkActionListApi.as_view()),
    path(f"{_project}/bulk-actions/<int:action_id>/", table_api.BulkActionApi.as_view()),
    path(f"{_project}/bulk-actions/<int:action_id>/undo/", table_api.BulkUndoApi.as_view()),
    path(f"{_project}/saved-views/", table_api.SavedViewListApi.as_view()),
    path(f"{_project}/saved-views/<int:view_id>/", table_api.SavedViewApi.as_view()),
]
