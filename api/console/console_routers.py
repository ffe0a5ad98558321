"""All routers of the console."""

from api.console import article_pages, rule_pages, sign_in_routes

ROUTERS = (
    sign_in_routes.open_router,
    sign_in_routes.router,
    article_pages.router,
    rule_pages.router,
)
