"""Django's view of the package."""

from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"
