"""Django's view of the package."""

from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "ml"
