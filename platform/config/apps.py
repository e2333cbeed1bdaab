"""Django's admin, for site staff only."""

from django.contrib.admin.apps import AdminConfig


class GlossAdminConfig(AdminConfig):
    default_site = "config.admin_site.GlossAdminSite"
