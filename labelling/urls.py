"""URLs of the package's pages, below a project, and of its API."""

from django.urls import path

from labelling import (
    accept_views,
    agreement_api,
    agreement_views,
    api,
    disagreement_api,
    disagreement_views,
    help_views,
    history_views,
    people_api,
    people_views,
    question_views,
    queue_api,
    queue_views,
    reliability_views,
    talk_views,
    views,
    work_views,
)

app_name = "labelling"
urlpatterns = [
    path("", views.home, name="home"),
    path("next/", work_views.label, name="label"),
    path("last/", work_views.last, name="last"),
    path("assignments/<int:assignment_id>/submit/", work_views.submit, name="submit"),
    path("assignments/<int:assignment_id>/skip/", work_views.skip, name="skip"),
    path("assignments/<int:assignment_id>/heartbeat/", work_views.heartbeat, name="heartbeat"),
    path("annotations/<int:annotation_id>/", work_views.edit, name="edit"),
    path("reviews/<int:review_id>/", work_views.second_opinion, name="second_opinion"),
    # Agreement.
    path("agreement/", agreement_views.agreement, name="agreement"),
    path("agreement/pairs.csv", agreement_views.agreement_pairs, name="agreement_pairs"),
    path("agreement/reviews/", agreement_views.agreement_reviews, name="agreement_reviews"),
    # Disagreements, decisions and reliability.
    path("disagreements/", disagreement_views.list_page, name="disagreements"),
    path("disagreements/next/", disagreement_views.next_one, name="disagreement_next"),
    path("disagreements/<int:review_id>/", disagreement_views.one, name="disagreement"),
    path(
        "disagreements/<int:review_id>/undo/",
        disagreement_views.take_back,
        name="disagreement_undo",
    ),
    path("gold-policy/", disagreement_views.gold_policy, name="gold_policy"),
    path("reliability/", reliability_views.page, name="reliability"),
    # People: who labelled what, what was said about it, what has happened to it.
    path("people/", people_views.people_list, name="people"),
    path("people/<int:person_id>/", people_views.person, name="person"),
    path("answers/", people_views.answers_given, name="answers_given"),
    path("mentions/", talk_views.mentions, name="mentions"),
    path("mentions/seen/", talk_views.mentions_seen, name="mentions_seen"),
    path("flags/", talk_views.flag_list, name="flags"),
    path("flags/<int:flag_id>/resolve/", talk_views.flag_resolve, name="flag_resolve"),
    path("reviews/<int:review_id>/comments/", talk_views.comment_add, name="comment_add"),
    path("comments/<int:comment_id>/remove/", talk_views.comment_remove, name="comment_remove"),
    path("reviews/<int:review_id>/history/", history_views.review_history, name="history"),
    path("annotations/<int:annotation_id>/restore/", history_views.restore, name="restore"),
    path("suggestions/", accept_views.suggestions, name="suggestions"),
    # The label page: what was fetched ahead, flags, guidelines, keys.
    path("ahead/", work_views.ahead, name="ahead"),
    path("assignments/<int:assignment_id>/", work_views.held, name="held"),
    path("reviews/<int:review_id>/flags/", work_views.flag, name="flag"),
    path("guidelines/", help_views.guidelines, name="guidelines"),
    path("keys/", help_views.keys, name="keys"),
    path("questions/", question_views.questions, name="questions"),
    path("questions/add/", question_views.question_add, name="question_add"),
    # Changes of the questions.
    path("question-order/", question_views.question_order, name="question_order"),
    path("question-change/", question_views.question_change, name="question_change"),
    path("question-versions/", question_views.question_history, name="question_history"),
    path("questions/<slug:key>/", question_views.question_edit, name="question_edit"),
    path("questions/<slug:key>/remove/", question_views.question_remove, name="question_remove"),
    # Who gets which reviews, and quality checks.
    path("assign/", queue_views.assign, name="assign"),
    path("assign/reserve/", queue_views.reserve, name="reserve"),
    path("assign/take-back/", queue_views.take_back, name="take_back"),
    path("assign/quota/", queue_views.quota, name="quota"),
    path("checks/", queue_views.quality_checks, name="checks"),
    path("checks/<int:review_id>/remove/", queue_views.check_remove, name="check_remove"),
]

api_urlpatterns = [
    path("projects/<slug:slug>/schema/", api.SchemaApi.as_view()),
    path("projects/<slug:slug>/queue/next/", api.QueueNextApi.as_view()),
    path("projects/<slug:slug>/annotations/", api.AnnotationListApi.as_view()),
    path("projects/<slug:slug>/agreement/", agreement_api.AgreementApi.as_view()),
    # Disagreements, decisions and reliability.
    path("projects/<slug:slug>/disagreements/", disagreement_api.DisagreementListApi.as_view()),
    path(
        "projects/<slug:slug>/reviews/<int:review_id>/adjudication/",
        disagreement_api.AdjudicationApi.as_view(),
    ),
    path("projects/<slug:slug>/gold-policy/", disagreement_api.GoldPolicyApi.as_view()),
    path("projects/<slug:slug>/reliability/", disagreement_api.ReliabilityApi.as_view()),
    # People.
    path(
        "projects/<slug:slug>/reviews/<int:review_id>/comments/", people_api.CommentsApi.as_view()
    ),
    path("projects/<slug:slug>/comments/<int:comment_id>/", people_api.CommentApi.as_view()),
    path("projects/<slug:slug>/mentions/", people_api.MentionsApi.as_view()),
    path("projects/<slug:slug>/mentions/seen/", people_api.MentionsSeenApi.as_view()),
    path("projects/<slug:slug>/flags/", people_api.FlagsApi.as_view()),
    path("projects/<slug:slug>/flags/<int:flag_id>/resolve/", people_api.FlagResolveApi.as_view()),
    path("projects/<slug:slug>/reviews/<int:review_id>/history/", people_api.HistoryApi.as_view()),
    path(
        "projects/<slug:slug>/annotations/<int:annotation_id>/restore/",
        people_api.RestoreApi.as_view(),
    ),
    path("projects/<slug:slug>/suggestions/acceptable/", people_api.AcceptableApi.as_view()),
    path("assignments/<int:assignment_id>/submit/", api.SubmitApi.as_view()),
    path("assignments/<int:assignment_id>/skip/", api.SkipApi.as_view()),
    path("assignments/<int:assignment_id>/heartbeat/", api.HeartbeatApi.as_view()),
    # Who gets which reviews, and quality checks.
    path("projects/<slug:slug>/queue/ahead/", queue_api.QueueAheadApi.as_view()),
    path("projects/<slug:slug>/queue/policies/", queue_api.PoliciesApi.as_view()),
    path("projects/<slug:slug>/queue/reservations/", queue_api.ReservationsApi.as_view()),
    path("projects/<slug:slug>/queue/members/", queue_api.DeskApi.as_view()),
    path("projects/<slug:slug>/queue/checks/", queue_api.ChecksApi.as_view()),
]
