"""URLs of projects, their settings and their API."""

from django.urls import path

from projects import api, views

app_name = "projects"
urlpatterns = [
    path("", views.home, name="home"),
    path("projects/", views.project_list, name="list"),
    path("projects/new/", views.project_new, name="new"),
    path("projects/<slug:slug>/settings/", views.settings_page, name="settings"),
    path("projects/<slug:slug>/settings/members/", views.member_set, name="member_set"),
    path(
        "projects/<slug:slug>/settings/members/remove/", views.member_remove, name="member_remove"
    ),
    path("projects/<slug:slug>/settings/tokens/", views.token_new, name="token_new"),
    path(
        "projects/<slug:slug>/settings/tokens/<int:token_id>/revoke/",
        views.token_revoke,
        name="token_revoke",
    ),
]

api_urlpatterns = [
    path("projects/", api.ProjectListApi.as_view()),
    path("projects/<slug:slug>/", api.ProjectApi.as_view()),
    path("projects/<slug:slug>/members/", api.MemberListApi.as_view()),
]
