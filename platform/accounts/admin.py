"""Site staff see people and the audit log; tokens show only their prefix."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import ApiToken, AuditEvent, User


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """Django's own page of people, which can leave out those known from files only."""

    list_filter = ("is_external", *UserAdmin.list_filter)


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that are written by services alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "project", "action", "subject")
    list_filter = ("action",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "project", "prefix", "expires_at", "revoked_at")
    exclude = ("digest",)
