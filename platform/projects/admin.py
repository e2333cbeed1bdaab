"""Site staff see projects and memberships."""

from django.contrib import admin

from projects.models import Membership, Project


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("slug", "name", "preset", "created_at")


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    list_display = ("project", "user", "role")
