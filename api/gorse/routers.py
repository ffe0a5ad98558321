"""All routes of Gorse's API."""

from api.gorse import feedback_routes, gorse_health, item_routes, list_routes, recommend_routes, user_routes

ROUTERS = (
    feedback_routes.read,
    feedback_routes.write,
    item_routes.read,
    item_routes.write,
    user_routes.read,
    user_routes.write,
    user_routes.admin,
    recommend_routes.router,
    list_routes.router,
    gorse_health.router,
)
