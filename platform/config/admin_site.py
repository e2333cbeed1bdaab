"""The admin site signs people in through the same door as everyone else."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite


class GlossAdminSite(AdminSite):
    """Django's admin under the product's name, behind the product's own sign-in page."""

    site_header = site_title = "Gloss"
    login = secure_admin_login(AdminSite.login)
