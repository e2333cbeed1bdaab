"""REST under /api/v1/, one list a package."""

from jobs.urls import api_urlpatterns as jobs
from labelling.urls import api_urlpatterns as labelling
from ml.urls import api_urlpatterns as ml
from projects.urls import api_urlpatterns as projects
from reviews.urls import api_urlpatterns as reviews

urlpatterns = [*projects, *jobs, *reviews, *labelling, *ml]
