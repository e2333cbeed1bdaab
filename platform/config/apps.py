"""Django's view of the wiring, and its admin for site staff."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class GlossAdminConfig(AdminConfig):
    default_site = "config.admin_site.GlossAdminSite"


class WiringConfig(AppConfig):
    name = "config"
