"""Every page and every way in."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from config import health, views

_project_pages = [
    path("", include("analysis.urls")),
    path("reviews/", include("reviews.urls")),
    path("label/", include("labelling.urls")),
    path("settings/", include("labelling.settings_urls")),
    path("models/", include("ml.urls")),
    path("jobs/", include("jobs.urls")),
]

urlpatterns = [
    path("", include("projects.urls")),
    path("projects/<slug:slug>/", include(_project_pages)),
    path("me/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", views.ApiDocs.as_view(url_name="api-schema"), name="api-docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.defect
