"""Django's view of the package."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
