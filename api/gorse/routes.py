"""All routes of Gorse's API."""

from api.gorse import feedback, health, items, recommend, shelves, users

ROUTERS = (
    feedback.read,
    feedback.write,
    items.read,
    items.write,
    users.read,
    users.write,
    users.admin,
    recommend.router,
    shelves.router,
    health.router,
)
