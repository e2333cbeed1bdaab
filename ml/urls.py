"""URLs of the package's pages, below a project, and of its API."""

from django.urls import URLPattern

app_name = "ml"
urlpatterns: list[URLPattern] = []

api_urlpatterns: list[URLPattern] = []
