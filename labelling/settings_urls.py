"""URLs of the package's pages below a project's settings."""

from django.urls import path

from labelling import policy_views

app_name = "labelling_settings"
urlpatterns = [path("policies/", policy_views.policies, name="policies")]
