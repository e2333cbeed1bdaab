"""URLs of the pages about jobs, below a project."""

from django.urls import path

from jobs import api, views

app_name = "jobs"
urlpatterns = [
    path("", views.job_list, name="list"),
    path("indicator/", views.indicator, name="indicator"),
    path("<uuid:job_id>/", views.job_detail, name="detail"),
    path("<uuid:job_id>/cancel/", views.job_cancel, name="cancel"),
]

api_urlpatterns = [
    path("jobs/<uuid:job_id>/", api.JobApi.as_view()),
    path("jobs/<uuid:job_id>/cancel/", api.JobCancelApi.as_view()),
]
