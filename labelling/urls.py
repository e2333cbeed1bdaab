"""URLs of the package's pages, below a project, and of its API."""

from django.urls import path

from labelling import api, help_views, question_views, views, work_views

app_name = "labelling"
urlpatterns = [
    path("", views.home, name="home"),
    path("next/", work_views.label, name="label"),
    path("last/", work_views.last, name="last"),
    path("assignments/<int:assignment_id>/submit/", work_views.submit, name="submit"),
    path("assignments/<int:assignment_id>/skip/", work_views.skip, name="skip"),
    path("assignments/<int:assignment_id>/heartbeat/", work_views.heartbeat, name="heartbeat"),
    path("annotations/<int:annotation_id>/", work_views.edit, name="edit"),
    path("reviews/<int:review_id>/", work_views.second_opinion, name="second_opinion"),
    # The label page: what was fetched ahead, flags, guidelines, keys.
    path("ahead/", work_views.ahead, name="ahead"),
    path("assignments/<int:assignment_id>/", work_views.held, name="held"),
    path("reviews/<int:review_id>/flag/", work_views.flag, name="flag"),
    path("guidelines/", help_views.guidelines, name="guidelines"),
    path("keys/", help_views.keys, name="keys"),
    path("agreement/", views.agreement, name="agreement"),
    path("questions/", question_views.questions, name="questions"),
    path("questions/add/", question_views.question_add, name="question_add"),
    path("questions/<slug:key>/", question_views.question_edit, name="question_edit"),
    path("questions/<slug:key>/remove/", question_views.question_remove, name="question_remove"),
]

api_urlpatterns = [
    path("projects/<slug:slug>/schema/", api.SchemaApi.as_view()),
    path("projects/<slug:slug>/queue/next/", api.QueueNextApi.as_view()),
    path("projects/<slug:slug>/annotations/", api.AnnotationListApi.as_view()),
    path("assignments/<int:assignment_id>/submit/", api.SubmitApi.as_view()),
    path("assignments/<int:assignment_id>/skip/", api.SkipApi.as_view()),
    path("assignments/<int:assignment_id>/heartbeat/", api.HeartbeatApi.as_view()),
]
