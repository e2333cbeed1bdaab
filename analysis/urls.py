"""URLs of the dashboards, below a project."""

from django.urls import URLPattern

app_name = "analysis"
urlpatterns: list[URLPattern] = []
