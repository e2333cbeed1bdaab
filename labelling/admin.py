"""Site staff see questions and annotations; they change them on the pages, which keep the rules."""

from django.contrib import admin
from django.http import HttpRequest

from labelling.models import Annotation, Assignment, LabelSchema


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(LabelSchema)
class LabelSchemaAdmin(_ReadOnly, admin.ModelAdmin[LabelSchema]):
    list_display = ("project", "version", "created_at", "frozen_at")


@admin.register(Assignment)
class AssignmentAdmin(_ReadOnly, admin.ModelAdmin[Assignment]):
    list_display = ("id", "project", "annotator", "state", "source", "lease_until")


@admin.register(Annotation)
class AnnotationAdmin(_ReadOnly, admin.ModelAdmin[Annotation]):
    list_display = ("id", "project", "annotator", "created_at", "seconds")
