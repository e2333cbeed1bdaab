"""Django's view of the package."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
