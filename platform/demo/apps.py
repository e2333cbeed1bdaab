"""Django's view of the package."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"
