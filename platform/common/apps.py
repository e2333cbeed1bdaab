"""Django's view of the package."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "common"
