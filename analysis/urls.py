"""URLs of the dashboards, below a project."""

from django.urls import path

from analysis import views

app_name = "analysis"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("insights/", views.insights_page, name="insights"),
]
