"""URLs of a person's own pages."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("link/<str:secret>/", views.sign_in_link, name="sign_in_link"),
    path("profile/", views.profile, name="profile"),
]
