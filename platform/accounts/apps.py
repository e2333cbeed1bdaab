"""Django's view of the package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
