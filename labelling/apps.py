"""Django's view of the package."""

from django.apps import AppConfig


class LabellingConfig(AppConfig):
    name = "labelling"
