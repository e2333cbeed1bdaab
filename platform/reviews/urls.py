"""URLs of the package's pages, below a project, and of its API."""

from django.urls import path

from reviews import api, dataset_views, upload_api, upload_views, views
from reviews import export_api, export_views  # isort: skip
from reviews import derive_api, derive_views  # isort: skip

app_name = "reviews"
urlpatterns = [
    path("", views.review_list, name="list"),
    path("upload/", upload_views.upload_new, name="upload"),
    path("uploads/<int:upload_id>/", upload_views.upload_mapping, name="mapping"),
    path("datasets/<int:dataset_id>/", dataset_views.dataset_detail, name="dataset"),
    path("datasets/<int:dataset_id>/rejects.csv", dataset_views.dataset_rejects, name="rejects"),
    path("exports/", export_views.export_list, name="exports"),
    path("exports/new/", export_views.export_new, name="export_new"),
    path("exports/<int:export_id>/file/", export_views.export_file, name="export_file"),
    path("derive/", derive_views.derive_new, name="derive"),
    path("<int:review_id>/", views.review_detail, name="detail"),
]

_project = "projects/<slug:slug>"
api_urlpatterns = [
    path(f"{_project}/datasets/", api.DatasetListApi.as_view()),
    path(f"{_project}/datasets/derive/", derive_api.DeriveApi.as_view()),
    path(f"{_project}/datasets/<int:dataset_id>/", api.DatasetApi.as_view()),
    path(f"{_project}/datasets/<int:dataset_id>/rejects.csv", api.RejectsApi.as_view()),
    path(f"{_project}/exports/", export_api.ExportListApi.as_view()),
    path(f"{_project}/exports/<int:export_id>/", export_api.ExportApi.as_view()),
    path(f"{_project}/exports/<int:export_id>/file/", export_api.ExportFileApi.as_view()),
    path(f"{_project}/uploads/", upload_api.UploadListApi.as_view()),
    path(f"{_project}/uploads/<int:upload_id>/", upload_api.UploadApi.as_view()),
    path(f"{_project}/reviews/", api.ReviewListApi.as_view()),
    path(f"{_project}/reviews/<int:review_id>/", api.ReviewApi.as_view()),
]
